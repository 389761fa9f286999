#include "CICU.h"

#include <unicode/uloc.h>
#include <unicode/upluralrules.h>

void *cicu_plural_rules_open(const char *locale) {
    UErrorCode status = U_ZERO_ERROR;
    char name[ULOC_FULLNAME_CAPACITY];
    uloc_forLanguageTag(locale, name, ULOC_FULLNAME_CAPACITY, NULL, &status);
    if (U_FAILURE(status) || status == U_STRING_NOT_TERMINATED_WARNING) return NULL;
    UPluralRules *rules = uplrules_open(name, &status);
    return U_SUCCESS(status) ? rules : NULL;
}

int cicu_plural_rules_select(const void *rules, double number, char *keyword, int32_t capacity) {
    UErrorCode status = U_ZERO_ERROR;
    UChar text[32];
    int32_t length = uplrules_select(rules, number, text, 32, &status);
    if (U_FAILURE(status) || length < 0 || length > 31 || length + 1 > capacity) return 0;
    // Keywords are in ASCII.
    for (int32_t i = 0; i < length; i += 1) keyword[i] = (char)text[i];
    keyword[length] = 0;
    return 1;
}

void cicu_plural_rules_close(void *rules) { uplrules_close(rules); }
