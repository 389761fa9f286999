#if Web
    import Foundation
    import Subprocess
    import TestSupport
    import Testing

    @Suite("stint serve reads a file and variables", .inOwnFolder, .timeLimit(.minutes(5)))
    struct ServeConfigurationTests {
        let place = Workplace.ofThisTest

        private func write(_ text: String) throws { try place.write("serve.json", Array(text.utf8)) }

        @Test("one file runs a site: dashboard, beanstalkd's protocol and workers")
        func site() async throws {
            try write(
                """
                {
                    "db": "site.db", "web": "127.0.0.1:0", "beanstalk": "unix:\(place.path("s"))", "workers": 2,
                    "work": ["mail=cat >> mail; echo >> mail", "push=exit 65"], "allow-remote": false, "redact": [],
                    "proxy-user-header": null
                }
                """)
            let outcome = try await place.whileRunning(["serve", "--config", "serve.json"]) { serve in
                try await eventually("all work") { serve.children.count == 4 }
                try await place.stint("put", "--queue", "mail", "hello", "--db", "site.db")
                try await eventually("the mail is sent") { try place.lines("mail") == ["hello"] }
                serve.send(SIGTERM)
                try await eventually("it ends") { !serve.isAlive }
            }
            #expect(outcome.code == 0, "\(outcome)")
            let lines = outcome.output.split(separator: "\n").sorted()
            #expect(lines.count == 2, "\(outcome)")
            #expect(lines.first == "beanstalk://unix:\(place.path("s"))")
            #expect(lines.last?.hasPrefix("http://127.0.0.1:") == true)
        }

        @Test("the command line wins over variables, and these over the file")
        func order() async throws {
            try write(#"{"beanstalk": "unix:from-file", "web": "nowhere", "db": "file.db"}"#)
            func served(_ options: [String], _ variables: [Environment.Key: String?]) async throws -> String {
                let arguments = ["serve", "--no-web"] + options
                var variables = variables
                variables["STINT_SERVE_CONFIG"] = "serve.json"
                let outcome = try await place.whileRunning(arguments, environment: variables) { serve in
                    try await eventually("it listens") {
                        ["from-file", "from-variable", "from-command"].contains { place.exists($0) } || !serve.isAlive
                    }
                    serve.send(SIGTERM)
                    try await eventually("it ends") { !serve.isAlive }
                }
                #expect(outcome.code == 0, "\(outcome)")
                return outcome.output
            }
            #expect(try await served([], [:]) == "beanstalk://unix:from-file\n")
            #expect(place.exists("file.db"))
            let variable: [Environment.Key: String?] = [
                "STINT_SERVE_BEANSTALK": "unix:from-variable", "STINT_DB": "variable.db", "STINT_SERVE_WORK": "",
            ]
            #expect(try await served([], variable) == "beanstalk://unix:from-variable\n")
            #expect(place.exists("variable.db"))
            #expect(
                try await served(["--beanstalk", "unix:from-command"], variable) == "beanstalk://unix:from-command\n")
        }

        @Test("a flag that the file sets is switched off by the command line, or by a variable")
        func flags() async throws {
            let config: [Environment.Key: String?] = ["STINT_SERVE_CONFIG": "serve.json"]
            try await place.stint("put", "x")
            try write(#"{"web": "0.0.0.0:0", "read-only": true}"#)
            let changing = try await place.refusal("serve", "--no-read-only", environment: config).sentence
            #expect(changing.contains("--auth-file") && !changing.contains("is set in"), "\(changing)")
            let variables = config.merging(["STINT_SERVE_READ_ONLY": "false"]) { $1 }
            let changed = try await place.refusal("serve", environment: variables).sentence
            #expect(changed == changing + "; read-only is set in STINT_SERVE_READ_ONLY")
            try write(#"{"beanstalk": "0.0.0.0:0", "allow-remote": true}"#)
            let local = try await place.refusal("serve", "--no-web", "--no-allow-remote", environment: config).sentence
            #expect(local.contains("--allow-remote"), "\(local)")
        }

        @Test("lists of the file are replaced, not added to, and those of variables have a text in each line")
        func lists() async throws {
            try write(#"{"work": ["mail"], "web": "127.0.0.1:0"}"#)
            let config: [Environment.Key: String?] = ["STINT_SERVE_CONFIG": "serve.json"]
            let kept = try await place.refusal("serve", environment: config)
            #expect(kept.sentence.contains("expected a queue and a command"), "\(kept)")
            #expect(kept.sentence.contains("work is set in 'serve.json'"), "\(kept)")
            let replaced = try await place.refusal(
                "serve", "--work", "mail=true", "--workers", "0", environment: config)
            #expect(
                replaced.sentence.contains("--workers is 0") && !replaced.sentence.contains("set in"), "\(replaced)")

            let variables: [Environment.Key: String?] = ["STINT_SERVE_WORK": "a=exit 65\nb=exit 65\nc=exit 65\n"]
            let arguments = ["serve", "--config", "serve.json"]
            let outcome = try await place.whileRunning(arguments, environment: variables.merging(config) { $1 }) {
                serve in
                try await eventually("three work") { serve.children.count == 3 }
                serve.send(SIGTERM)
                try await eventually("it ends") { !serve.isAlive }
            }
            #expect(outcome.code == 0, "\(outcome)")
        }

        @Test(
            "what is wrong in the file is said in one sentence, and nothing starts",
            arguments: [
                (#"{"wbe": "127.0.0.1:0"}"#, "'serve.json' has the unknown key 'wbe': did you mean 'web'?"),
                (
                    #"{"web": "127.0.0.1:0", "no-web": true}"#,
                    "has the unknown key 'no-web': expected the name of an option"
                ),
                (#"{"web": {"host": "127.0.0.1"}}"#, "a wrong value for 'web': expected a text in quotes"),
                (#"{"workers": "4"}"#, "a wrong value for 'workers': expected a whole number such as 4"),
                (#"{"workers": true}"#, "a wrong value for 'workers': expected a whole number such as 4"),
                (#"{"workers": 1.5}"#, "a wrong value for 'workers': expected a whole number such as 4"),
                (#"{"read-only": 1}"#, "a wrong value for 'read-only': expected true or false"),
                (#"{"work": "mail=true"}"#, "a wrong value for 'work': expected a list of texts, in brackets"),
                (#"{"work": [1]}"#, "a wrong value for 'work': expected a list of texts, in brackets"),
                (#"{"web": "#, "'serve.json' is no JSON object: expected options by their names"),
                (#"["web"]"#, "'serve.json' is no JSON object"), ("", "'serve.json' is no JSON object"),
                (#"{"workers": 0}"#, "--workers is 0; it must be 1 to 1000; workers is set in 'serve.json'"),
                (#"{"mode": "755", "web": "127.0.0.1:0"}"#, "; mode is set in 'serve.json'"),
                (#"{"work": ["mail"]}"#, "expected a queue and a command, such as mail=/srv/mail/send-mail"),
            ])
        func wrongFile(_ text: String, _ says: String) async throws {
            try write(text)
            let outcome = try await place.attempt(["serve", "--config", "serve.json", "--db", "made.db"])
            let refusal = try #require(Refusal(outcome), "\(outcome)")
            #expect([64, 65].contains(refusal.code) && refusal.sentence.contains(says), "\(refusal)")
            #expect(!place.exists("made.db"))
        }

        @Test("a file that cannot be read is named, with the reason")
        func unreadable() async throws {
            for (path, reason) in [("nowhere.json", "No such file or directory"), (".", "Is a directory")] {
                let refusal = try await place.refusal("serve", "--config", path)
                #expect(refusal.code == 65)
                #expect(
                    refusal.sentence.contains("the configuration '\(path)' cannot be read: \(reason)"), "\(refusal)")
            }
            try place.write("large.json", Array(repeating: 0x20, count: 1_048_577))
            let refusal = try await place.refusal("serve", "--config", "large.json")
            #expect(refusal.sentence.contains("it has more than 1048576 bytes"))
        }

        @Test(
            "what is wrong in a variable is said in one sentence, and nothing starts",
            arguments: [
                (
                    "STINT_SERVE_WORKRES", "4",
                    "'STINT_SERVE_WORKRES' is no variable of stint serve: did you mean STINT_SERVE_WORKERS?"
                ),
                ("STINT_SERVE_DB", "x", "'STINT_SERVE_DB' is no variable of stint serve: did you mean STINT_DB?"),
                ("STINT_SERVE_WORKERS", "four", "STINT_SERVE_WORKERS is 'four'; expected a whole number such as 4"),
                (
                    "STINT_SERVE_WORKERS", "0",
                    "--workers is 0; it must be 1 to 1000; workers is set in STINT_SERVE_WORKERS"
                ),
                ("STINT_SERVE_READ_ONLY", "x", "STINT_SERVE_READ_ONLY is 'x'; expected true or false"),
            ])
        func wrongVariable(_ name: String, _ value: String, _ says: String) async throws {
            let refusal = try await place.refusal("serve", environment: [Environment.Key(stringLiteral: name): value])
            #expect([64, 65].contains(refusal.code) && refusal.sentence.contains(says), "\(refusal)")
            #expect(!place.exists("stint.db"))
        }

        @Test("the example for systemd is a configuration")
        func example() async throws {
            let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            let file = folder.deletingLastPathComponent().appending(path: "Examples/systemd/serve.json").path
            // All of it is read, and another option is refused then.
            let refusal = try await place.refusal("serve", "--config", file, "--workers", "0")
            #expect(refusal.sentence.contains("--workers is 0; it must be 1 to 1000"), "\(refusal)")
        }

        @Test("every option of stint serve that says how it runs may be in the file, as what it is")
        func allOptions() async throws {
            struct Dump: Decodable {
                struct Command: Decodable { let arguments: [Argument] }
                struct Argument: Decodable {
                    struct Name: Decodable { let name: String }
                    let kind: String
                    let isRepeating: Bool
                    let preferredName: Name
                }
                let command: Command
            }
            let dump = try await place.stint("serve", "--experimental-dump-help")
            let options = try JSONDecoder().decode(Dump.self, from: Data(dump.utf8)).command.arguments
            #expect(options.count > 20)
            // What names the file, what overrides it, and what ends at once.
            let others: Set = ["config", "new-token", "role", "help", "version"]
            for option in options {
                let name = option.preferredName.name
                try write(#"{"\#(name)": {}}"#)
                let sentence = try await place.refusal("serve", "--config", "serve.json").sentence
                guard !others.contains(name), !name.hasPrefix("no-") else {
                    #expect(sentence.contains("the unknown key '\(name)'"), "\(sentence)")
                    continue
                }
                let expected =
                    option.kind == "flag"
                    ? ["true or false"]
                    : option.isRepeating
                        ? ["a list of texts, in brackets"] : ["a text in quotes", "a whole number such as 4"]
                #expect(
                    expected.contains { sentence.contains("a wrong value for '\(name)': expected \($0)") },
                    "\(sentence)")
            }
        }
    }
#endif
