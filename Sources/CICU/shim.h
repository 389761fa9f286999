// ICU names its functions after its version, by macros that Swift cannot read: so they have plain names here.
#include <unicode/upluralrules.h>

static inline UPluralRules *cicu_plural_rules_open(const char *locale, UErrorCode *status) {
    return uplrules_open(locale, status);
}
static inline int32_t cicu_plural_rules_select(
    const UPluralRules *rules, double number, UChar *keyword, int32_t capacity, UErrorCode *status) {
    return uplrules_select(rules, number, keyword, capacity, status);
}
static inline void cicu_plural_rules_close(UPluralRules *rules) { uplrules_close(rules); }
