/* What llama-server says, made once: the pieces of a stream and of a whole answer. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { STAMP_DIGITS = 19 };

static const char STREAM_HEAD[] =
    "HTTP/1.1 200 OK\r\nServer: llama.cpp\r\nContent-Type: text/event-stream\r\n"
    "Keep-Alive: timeout=5, max=100\r\nTransfer-Encoding: chunked\r\n\r\n";
static const char ABOUT[] =
    "\"created\":1760000000,\"id\":\"chatcmpl-vJ2cTq8sNw5yLh3xRb7kZd1mGf6pQa9u\","
    "\"model\":\"bench\",\"system_fingerprint\":\"b1-bench\",\"object\":\"chat.completion.chunk\"";
static const char TIMINGS[] =
    "\"timings\":{\"cache_n\":0,\"prompt_n\":8,\"prompt_ms\":4.0,\"predicted_n\":8,"
    "\"predicted_ms\":9.0}";
static const char ENDING[] = "e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n";
static char token[640], opening[1024], progress[1024], closing[1024];
static size_t token_length, opening_length, progress_length, closing_length, stamp_at;

static size_t chunk(char *out, const char *payload) {
    return (size_t)sprintf(out, "%zx\r\n%s\r\n", strlen(payload), payload);
}

static void prepare(void) {
    char payload[900];
    sprintf(payload,
            "data: {\"choices\":[{\"finish_reason\":null,\"index\":0,\"delta\":{\"content\":"
            "\" bench_sent:%019d\"}}],%s}\n\n", 0, ABOUT);
    token_length = chunk(token, payload);
    stamp_at = (size_t)(strstr(token, "bench_sent") - token) + strlen("bench_sent:");
    sprintf(payload,
            "data: {\"choices\":[{\"finish_reason\":null,\"index\":0,\"delta\":{\"role\":"
            "\"assistant\",\"content\":null}}],%s}\n\n", ABOUT);
    opening_length = chunk(opening, payload);
    sprintf(payload,
            "data: {\"choices\":[{\"finish_reason\":null,\"index\":0,\"delta\":{\"role\":"
            "\"assistant\",\"content\":null}}],%s,\"prompt_progress\":{\"total\":8,\"cache\":0,"
            "\"processed\":8,\"time_ms\":4}}\n\n", ABOUT);
    progress_length = chunk(progress, payload);
    sprintf(payload,
            "data: {\"choices\":[{\"finish_reason\":\"stop\",\"index\":0,\"delta\":{}}],%s,%s}\n\n",
            ABOUT, TIMINGS);
    closing_length = chunk(closing, payload);
}

/* Note the time within a token. */
static void stamp(char *digits, uint64_t time) {
    for (int i = STAMP_DIGITS; i--; time /= 10) digits[i] = (char)('0' + time % 10);
}
