@main
struct Community {
    static func main() {}
}
