// GMime, which reads and writes MIME. pkg-config knows the folders of its headers and of those of GLib.
#include <gmime/gmime.h>
#include <string.h>

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

/// A part for several others. g_mime_multipart_new_with_subtype would first read a boundary from /dev/urandom.
static inline GMimeMultipart *cg_multipart_new(const char *subtype, const char *boundary) {
    GMimeMultipart *multipart = g_object_new(GMIME_TYPE_MULTIPART, NULL);
    GMimeContentType *type = g_mime_content_type_new("multipart", subtype);
    g_mime_content_type_set_parameter(type, "boundary", boundary);
    g_mime_object_set_content_type(GMIME_OBJECT(multipart), type);
    g_object_unref(type);
    return multipart;
}

/// The most bytes that content can have as Quoted-Printable.
static inline size_t cg_quoted_printable_size(size_t count) {
    GMimeEncoding encoding;
    g_mime_encoding_init_encode(&encoding, GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE);
    return g_mime_encoding_outlen(&encoding, count);
}

/// Writes content as Quoted-Printable; returns the number of bytes.
static inline size_t cg_quoted_printable(const char *content, size_t count, char *buffer) {
    GMimeEncoding encoding;
    g_mime_encoding_init_encode(&encoding, GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE);
    return g_mime_encoding_flush(&encoding, content, count, buffer);
}

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

/// Where a Base64 word of RFC 2047 ends with padding and another word follows after white space; NULL: nowhere.
static inline const char *cg_padded_word_end(const char *text) {
    for (const char *end = strstr(text, "=?="); end != NULL; end = strstr(end + 1, "=?=")) {
        const char *next = end + 3 + strspn(end + 3, " \t\r\n");
        if (next > end + 3 && next[0] == '=' && next[1] == '?' && strstr(next + 2, "?=") != NULL) return end + 3;
    }
    return NULL;
}

/// The text of a header in UTF-8, with its encoded words (RFC 2047) decoded; the caller releases it with g_free.
///
/// GMime 3.2 reads adjoining Base64 words as one, so that its text ends at the first padding: such words are read one by one.
static inline char *cg_header_text(const char *raw) {
    GString *value = g_string_new(NULL);
    while (raw != NULL) {
        const char *end = cg_padded_word_end(raw);
        char *piece = end == NULL ? g_strdup(raw) : g_strndup(raw, end - raw);
        char *plain = g_mime_utils_header_unfold(piece);
        char *text = g_mime_utils_header_decode_text(NULL, plain);
        g_string_append(value, text == NULL ? "" : text);
        g_free(text);
        g_free(plain);
        g_free(piece);
        raw = end == NULL ? NULL : end + strspn(end, " \t\r\n");
    }
    return g_string_free(value, FALSE);
}

/// The value of a header in UTF-8; the caller releases it with g_free. NULL: it has none.
static inline char *cg_header_value(GMimeHeader *header) {
    const char *raw = g_mime_header_get_raw_value(header);
    return raw != NULL && cg_padded_word_end(raw) != NULL ? cg_header_text(raw) : g_strdup(g_mime_header_get_value(header));
}

/// The address as a kind of address; NULL: it is another kind.
static inline InternetAddressGroup *cg_group(InternetAddress *address) {
    return INTERNET_ADDRESS_IS_GROUP(address) ? INTERNET_ADDRESS_GROUP(address) : NULL;
}
static inline InternetAddressMailbox *cg_mailbox(InternetAddress *address) {
    return INTERNET_ADDRESS_IS_MAILBOX(address) ? INTERNET_ADDRESS_MAILBOX(address) : NULL;
}
