import Testing

@testable import extract_snippets

/// The snippets themselves are compiled into this target, and the tests among them run with it; see SnippetPlugin.swift.
@Suite("The Swift code of Markdown files")
struct MarkdownSnippetsTests {
    private let snippets = MarkdownSnippets(
        """
        # Title
        <!-- swift
        let order = 7
        -->
        Text with `code`.
        ```swift
        import Stint

        struct Order {
            var id: Int
        }
        ```
        ```
        not Swift
        ```
        ```swift
        print(order)
        ```
        """)

    @Test("a block begins at the line of its first code")
    func lines() {
        #expect(snippets.blocks.map(\.line) == [3, 7, 17])
        #expect(snippets.blocks.last?.code == ["print(order)"])
    }

    @Test("imports move to the top and leave the lines as they were")
    func imports() {
        #expect(snippets.imports == ["import Stint"])
        #expect(snippets.blocks[1].code == ["", "", "struct Order {", "    var id: Int", "}"])
    }

    @Test("declarations become members, statements the nested scopes of one function")
    func file() {
        #expect(
            snippets.swiftFile(name: "Guide", path: "Guide.md") == """
                import Stint
                struct Guide {
                #sourceLocation(file: "Guide.md", line: 7)


                struct Order {
                    var id: Int
                }
                #sourceLocation()
                func statements() async throws {
                do {
                #sourceLocation(file: "Guide.md", line: 3)
                let order = 7
                #sourceLocation()
                do {
                #sourceLocation(file: "Guide.md", line: 17)
                print(order)
                #sourceLocation()
                }
                }
                }
                }

                """)
    }
}
