#include "ResetWindow.h"

#include <sqlite3.h>
#include <stdlib.h>

/* A file's methods, with one in front: the file points to the first member. */
struct window {
    sqlite3_io_methods methods;
    const sqlite3_io_methods *own;
    void (*hook)(void *context);
    void *context;
};

static int unfetch(sqlite3_file *file, sqlite3_int64 offset, void *page) {
    struct window *window = (struct window *)file->pMethods;
    void (*hook)(void *context) = page == NULL ? window->hook : NULL;
    if (hook) {
        window->hook = NULL;
        hook(window->context);
    }
    return window->own->xUnfetch(file, offset, page);
}

static int close_file(sqlite3_file *file) {
    struct window *window = (struct window *)file->pMethods;
    file->pMethods = window->own;
    free(window);
    return file->pMethods->xClose(file);
}

int reset_window_hook(sqlite3 *connection, void (*hook)(void *context), void *context) {
    sqlite3_file *file = NULL;
    int code = sqlite3_file_control(connection, "main", SQLITE_FCNTL_FILE_POINTER, &file);
    if (code != SQLITE_OK) return code;
    if (!file->pMethods || file->pMethods->iVersion < 3) return SQLITE_NOTFOUND;
    struct window *window = malloc(sizeof *window);
    if (!window) return SQLITE_NOMEM;
    *window = (struct window){.methods = *file->pMethods, .own = file->pMethods, .hook = hook, .context = context};
    window->methods.xUnfetch = unfetch;
    window->methods.xClose = close_file;
    file->pMethods = &window->methods;
    return SQLITE_OK;
}
