import Foundation

/// What to click.
enum Greeting {
    static func text(_ addresses: Addresses.All, folder: String) -> String {
        """

        The site      \(addresses.site)/
        Its mails     \(addresses.jobs)/mail
        Its jobs      \(addresses.jobs)/
        Its data      \(folder)

        Sign in as one of these; the password of all is "\(Seeds.password)":
          ada         admin, in all groups of the story: writes newsletters, sees templates
          juergen     German, in the closed group "Choir"
          chloe       French            lucia   Spanish, in Bogota      lukasz  Polish
          hanako      Japanese          fatima  Arabic                  priya   daily digests at 7:00, Kolkata
          oscar       wants no mail of posts                            zoe     not in the choir

        Try: write a post in the choir as juergen, look at the mails, answer one.
        Ctrl-C ends everything.
        """
    }
}

/// Prints a line at once, also into a file or a pipe.
func say(_ text: String) { FileHandle.standardOutput.write(Data((text + "\n").utf8)) }
