// GMime, which writes MIME. pkg-config knows the folders of its headers and of those of GLib.
#include <gmime/gmime.h>
