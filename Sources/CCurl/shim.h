// The client library curl, of which Stint uses SMTP. Swift cannot call functions with a variable number of arguments, so
// each kind of option has a function here.
#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>

static inline CURLcode ccurl_set_long(CURL *handle, CURLoption option, long value) {
    return curl_easy_setopt(handle, option, value);
}

static inline CURLcode ccurl_set_string(CURL *handle, CURLoption option, const char *value) {
    return curl_easy_setopt(handle, option, value);
}

static inline CURLcode ccurl_set_pointer(CURL *handle, CURLoption option, void *value) {
    return curl_easy_setopt(handle, option, value);
}

typedef int (*ccurl_debug)(CURL *handle, curl_infotype type, char *data, size_t size, void *context);
typedef int (*ccurl_progress)(void *context, curl_off_t total, curl_off_t now, curl_off_t upload, curl_off_t uploaded);

static inline CURLcode ccurl_on_debug(CURL *handle, ccurl_debug function, void *context) {
    curl_easy_setopt(handle, CURLOPT_DEBUGDATA, context);
    return curl_easy_setopt(handle, CURLOPT_DEBUGFUNCTION, function);
}

static inline CURLcode ccurl_on_progress(CURL *handle, ccurl_progress function, void *context) {
    curl_easy_setopt(handle, CURLOPT_XFERINFODATA, context);
    return curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, function);
}

static inline CURLcode ccurl_get_socket(CURL *handle, curl_socket_t *value) {
    return curl_easy_getinfo(handle, CURLINFO_ACTIVESOCKET, value);
}

static inline CURLcode ccurl_start(void) { return curl_global_init(CURL_GLOBAL_DEFAULT); }
