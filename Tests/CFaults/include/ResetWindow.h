/* A way into the window of SQLite's WAL-reset bug. */
#ifndef RESET_WINDOW_H
#define RESET_WINDOW_H

struct sqlite3;

/* Calls `hook` once, in the next checkpoint of this connection that finds the log changed since it last looked: it has
   read there how far the log goes, and not yet how much of that is in the database file already. SQLite gives back
   memory-mapped pages at this point (xUnfetch of the whole file), also where there are none.
   SQLITE_OK, or SQLITE_NOMEM, or SQLITE_NOTFOUND where the connection's file has no such method. Call it once a connection. */
int reset_window_hook(struct sqlite3 *connection, void (*hook)(void *context), void *context);

#endif
