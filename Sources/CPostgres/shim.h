// The client library of PostgreSQL. Debian puts its headers into a folder that pkg-config knows.
#include <libpq-fe.h>
