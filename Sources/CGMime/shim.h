// GMime, which reads and writes MIME. pkg-config knows the folders of its headers and of those of GLib.
#include <gmime/gmime.h>

// Swift does not import the macros that check and cast objects.

/// The message in these bytes, which are copied; the caller releases it. NULL: there is none.
static inline GMimeMessage *cg_parse(const char *bytes, size_t count) {
    GMimeStream *stream = g_mime_stream_mem_new_with_buffer(bytes, count);
    GMimeParser *parser = g_mime_parser_new_with_stream(stream);
    GMimeMessage *message = g_mime_parser_construct_message(parser, NULL);
    g_object_unref(parser);
    g_object_unref(stream);
    return message;
}

static inline GMimeObject *cg_message_object(GMimeMessage *message) { return GMIME_OBJECT(message); }

/// The object as a kind of part; NULL: it is another kind.
static inline GMimeMultipart *cg_multipart(GMimeObject *object) {
    return GMIME_IS_MULTIPART(object) ? GMIME_MULTIPART(object) : NULL;
}
static inline GMimeMessagePart *cg_message_part(GMimeObject *object) {
    return GMIME_IS_MESSAGE_PART(object) ? GMIME_MESSAGE_PART(object) : NULL;
}
static inline GMimePart *cg_part(GMimeObject *object) { return GMIME_IS_PART(object) ? GMIME_PART(object) : NULL; }

static inline void cg_release(gpointer object) { g_object_unref(object); }

/// The content of a part without its transfer encoding; the caller releases it with g_byte_array_unref.
static inline GByteArray *cg_content(GMimePart *part) {
    GByteArray *bytes = g_byte_array_new();
    GMimeDataWrapper *content = g_mime_part_get_content(part);
    if (content != NULL) {
        GMimeStream *stream = g_mime_stream_mem_new_with_byte_array(bytes);
        g_mime_stream_mem_set_owner(GMIME_STREAM_MEM(stream), FALSE);
        g_mime_data_wrapper_write_to_stream(content, stream);
        g_object_unref(stream);
    }
    return bytes;
}

/// The object as it is sent; the caller releases it with g_byte_array_unref.
static inline GByteArray *cg_object_bytes(GMimeObject *object) {
    GByteArray *bytes = g_byte_array_new();
    GMimeStream *stream = g_mime_stream_mem_new_with_byte_array(bytes);
    g_mime_stream_mem_set_owner(GMIME_STREAM_MEM(stream), FALSE);
    g_mime_object_write_to_stream(object, NULL, stream);
    g_object_unref(stream);
    return bytes;
}

/// A text in UTF-8; the caller releases it with g_byte_array_unref. NULL: the character set is not known.
static inline GByteArray *cg_text(const char *bytes, size_t count, const char *charset) {
    GMimeFilter *filter = g_mime_filter_charset_new(charset, "UTF-8");
    if (filter == NULL) return NULL;
    GByteArray *text = g_byte_array_new();
    GMimeStream *stream = g_mime_stream_mem_new_with_byte_array(text);
    g_mime_stream_mem_set_owner(GMIME_STREAM_MEM(stream), FALSE);
    GMimeStream *filtered = g_mime_stream_filter_new(stream);
    g_mime_stream_filter_add(GMIME_STREAM_FILTER(filtered), filter);
    g_mime_stream_write(filtered, bytes, count);
    g_mime_stream_flush(filtered);
    g_object_unref(filtered);
    g_object_unref(filter);
    g_object_unref(stream);
    return text;
}

/// The address as a kind of address; NULL: it is another kind.
static inline InternetAddressGroup *cg_group(InternetAddress *address) {
    return INTERNET_ADDRESS_IS_GROUP(address) ? INTERNET_ADDRESS_GROUP(address) : NULL;
}
static inline InternetAddressMailbox *cg_mailbox(InternetAddress *address) {
    return INTERNET_ADDRESS_IS_MAILBOX(address) ? INTERNET_ADDRESS_MAILBOX(address) : NULL;
}
