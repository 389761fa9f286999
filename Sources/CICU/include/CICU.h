#pragma once

#include <stdint.h>

// ICU's rules of plurals, without a type of ICU: its headers and those of Foundation's own ICU cannot be in one program's
// Swift modules.

/// The rules of a locale such as `pt-BR`; null if ICU has none.
void *_Nullable cicu_plural_rules_open(const char *_Nonnull locale);
/// Writes the category of a number, as `few`, and a NUL.
///
/// - Returns: 0 if it did not fit, or if ICU answered an error.
int cicu_plural_rules_select(const void *_Nonnull rules, double number, char *_Nonnull keyword, int32_t capacity);
void cicu_plural_rules_close(void *_Nonnull rules);
