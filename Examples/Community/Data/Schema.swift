import Foundation
import GRDB

/// The site's own tables, in the same file as the queue's.
enum Schema {
    static func create(_ db: Database) throws {
        try db.execute(
            sql: """
                CREATE TABLE IF NOT EXISTS members (
                    id INTEGER PRIMARY KEY,
                    handle TEXT NOT NULL UNIQUE,            -- @handle in texts
                    name TEXT NOT NULL,
                    address TEXT,                           -- of mails; old rows have none, or a broken one
                    locale TEXT NOT NULL,                   -- as it was entered: may be wrong
                    time_zone TEXT NOT NULL,                -- as it was entered: may be wrong
                    password TEXT NOT NULL,
                    is_admin INTEGER NOT NULL DEFAULT 0,
                    mail_off TEXT,                          -- why this member gets no mail, such as a bounce
                    quiet_from INTEGER, quiet_to INTEGER,   -- hours of the member's day, both or none
                    digest_hour INTEGER NOT NULL DEFAULT 8,
                    digest_weekday INTEGER NOT NULL DEFAULT 1,
                    joined_at INTEGER NOT NULL,
                    deleted_at INTEGER
                ) STRICT;
                CREATE TABLE IF NOT EXISTS preferences (
                    member_id INTEGER NOT NULL, kind TEXT NOT NULL, place TEXT NOT NULL, rhythm TEXT NOT NULL,
                    PRIMARY KEY (member_id, kind, place)
                ) STRICT, WITHOUT ROWID;
                CREATE TABLE IF NOT EXISTS groups (
                    id INTEGER PRIMARY KEY, name TEXT NOT NULL, about TEXT NOT NULL,
                    access TEXT NOT NULL CHECK (access IN ('open', 'closed', 'secret')),
                    owner_id INTEGER NOT NULL
                ) STRICT;
                CREATE TABLE IF NOT EXISTS memberships (
                    group_id INTEGER NOT NULL, member_id INTEGER NOT NULL, joined_at INTEGER NOT NULL,
                    PRIMARY KEY (group_id, member_id)
                ) STRICT, WITHOUT ROWID;
                CREATE INDEX IF NOT EXISTS memberships_of_member ON memberships (member_id);
                CREATE TABLE IF NOT EXISTS requests (
                    group_id INTEGER NOT NULL, member_id INTEGER NOT NULL, asked_at INTEGER NOT NULL,
                    PRIMARY KEY (group_id, member_id)
                ) STRICT, WITHOUT ROWID;
                CREATE TABLE IF NOT EXISTS posts (
                    id INTEGER PRIMARY KEY, group_id INTEGER NOT NULL, author_id INTEGER NOT NULL,
                    title TEXT NOT NULL, body TEXT NOT NULL, created_at INTEGER NOT NULL, deleted_at INTEGER
                ) STRICT;
                CREATE INDEX IF NOT EXISTS posts_of_group ON posts (group_id, id);
                CREATE TABLE IF NOT EXISTS comments (
                    id INTEGER PRIMARY KEY, post_id INTEGER NOT NULL, author_id INTEGER NOT NULL,
                    body TEXT NOT NULL, created_at INTEGER NOT NULL, deleted_at INTEGER,
                    mail_id TEXT UNIQUE                     -- of the reply that it was, so that a mail is taken once
                ) STRICT;
                CREATE INDEX IF NOT EXISTS comments_of_post ON comments (post_id, id);
                CREATE TABLE IF NOT EXISTS followers (      -- who is told of comments
                    post_id INTEGER NOT NULL, member_id INTEGER NOT NULL,
                    PRIMARY KEY (post_id, member_id)
                ) STRICT, WITHOUT ROWID;
                CREATE TABLE IF NOT EXISTS likes (
                    post_id INTEGER NOT NULL, member_id INTEGER NOT NULL, created_at INTEGER NOT NULL,
                    PRIMARY KEY (post_id, member_id)
                ) STRICT, WITHOUT ROWID;
                CREATE TABLE IF NOT EXISTS newsletters (
                    id INTEGER PRIMARY KEY, author_id INTEGER NOT NULL, subject TEXT NOT NULL, body TEXT NOT NULL,
                    created_at INTEGER NOT NULL
                ) STRICT;
                CREATE TABLE IF NOT EXISTS refused_addresses ( -- reports that an address refuses mails, one a day
                    address TEXT NOT NULL, day INTEGER NOT NULL, reason TEXT NOT NULL,
                    PRIMARY KEY (address, day)
                ) STRICT, WITHOUT ROWID;
                CREATE TABLE IF NOT EXISTS sessions (
                    token TEXT PRIMARY KEY,                 -- the SHA-256 of the cookie
                    member_id INTEGER NOT NULL, expires_at INTEGER NOT NULL
                ) STRICT, WITHOUT ROWID;
                CREATE TABLE IF NOT EXISTS password_resets (
                    token TEXT PRIMARY KEY,                 -- the SHA-256 of the reset's token
                    member_id INTEGER NOT NULL, expires_at INTEGER NOT NULL
                ) STRICT, WITHOUT ROWID;
                """)
    }
}

extension Database {
    /// Seconds since 1970, by the clock of this machine.
    static var now: Int64 { Int64(Date().timeIntervalSince1970) }
}
