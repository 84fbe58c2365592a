/* What a request says, as far as it matters here. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static long number(const char *body, const char *key, long otherwise) {
    const char *found = strstr(body, key);
    return found ? atol(found + strlen(key) + strspn(found + strlen(key), ": ")) : otherwise;
}

static bool wants(const char *body, const char *key) {
    const char *found = strstr(body, key);
    return found && !strncmp(found + strlen(key) + strspn(found + strlen(key), ": "), "true", 4);
}

static size_t body_length(const char *head, const char *end) {
    for (const char *line = head; line && line < end; line = strstr(line, "\r\n")) {
        line += line == head ? 0 : 2;
        if (!strncasecmp(line, "content-length:", 15)) return (size_t)atol(line + 15);
    }
    return 0;
}
