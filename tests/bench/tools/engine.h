/* What an engine is beside its answers: its flags, its loading, and what it tells of itself. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct {
    int port, slots, context;
    const char *key;
    bool launched, speaks; /* with flags; the child protocol on standard output */
    uint64_t ready_at, first_asked_at, broken_off_at;
    long requests, broken_off;
} Engine;

static Engine engine = {.slots = 1, .context = 4096};

static uint64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static bool loaded(uint64_t time) { return time >= engine.ready_at; }

/* Return half of so many milliseconds, and some part of the other half. */
static uint64_t load_time(uint64_t milliseconds, uint64_t time) {
    return 500000u * milliseconds + 500u * milliseconds * (time / 1000 % 1000);
}

/* Read `PORT`, or the flags of a llama-server; those that mean nothing here are passed over. */
static void read_arguments(int count, char **arguments, uint64_t time) {
    if (count < 2 || strncmp(arguments[1], "--", 2)) {
        engine.port = count > 1 ? atoi(arguments[1]) : 0;
        return;
    }
    engine.key = getenv("LLAMA_API_KEY");
    engine.launched = engine.speaks = true;
    for (int i = 1; i < count; i++) {
        const char *value = i + 1 < count ? arguments[i + 1] : "";
        if (!strcmp(arguments[i], "--port")) engine.port = atoi(value);
        if (!strcmp(arguments[i], "--parallel")) engine.slots = atoi(value);
        if (!strcmp(arguments[i], "--ctx-size")) engine.context = atoi(value);
        if (!strcmp(arguments[i], "--bench-silent")) engine.speaks = false;
        if (!strcmp(arguments[i], "--bench-loads-for"))
            engine.ready_at = time + load_time(strtoull(value, NULL, 10), time);
    }
}

static void say_state(const char *state, const char *payload) {
    if (!engine.speaks) return;
    printf("cmd_child_to_router:state:{\"state\":\"%s\",\"payload\":%s}\n", state, payload);
    fflush(stdout);
}

static void say_beginning(void) {
    if (!engine.launched) {
        printf("%d\n", engine.port);
        fflush(stdout);
    }
    say_state("loading", "{\"stages\":[\"text_model\"],\"current\":\"text_model\",\"value\":0}");
}

static void become_ready(uint64_t time) {
    engine.ready_at = time;
    say_state("ready", "{}");
}

static size_t list_slots(char *out, int busy) {
    size_t length = 0;
    for (int i = 0; i < engine.slots; i++)
        length += (size_t)sprintf(out + length, "%s{\"id\":%d,\"is_processing\":%s}",
                                  i ? "," : "[", i, i < busy ? "true" : "false");
    return length + (size_t)sprintf(out + length, "]");
}

static size_t count_up(char *out, int busy) {
    return (size_t)sprintf(out,
        "{\"requests\":%ld,\"busy\":%d,\"broken_off\":%ld,\"broken_off_at\":%llu,"
        "\"ready_at\":%llu,\"first_asked_at\":%llu}", engine.requests, busy, engine.broken_off,
        (unsigned long long)engine.broken_off_at, (unsigned long long)engine.ready_at,
        (unsigned long long)engine.first_asked_at);
}

/* Return an answer to a GET, which the caller frees: as llama-server does, or what was counted. */
static char *tell(const char *head, int busy, uint64_t time, size_t *length) {
    char *body = malloc(256 + 48 * (size_t)engine.slots), *answer;
    bool asks_health = !strncmp(head, "GET /health ", 12);
    bool asks_props = !strncmp(head, "GET /props ", 11), asks_slots = !strncmp(head, "GET /slots ", 11);
    int status = 200;
    size_t size;
    if ((asks_props || asks_slots) && engine.key && !strstr(head, engine.key)) status = 401;
    else if ((asks_health || asks_props || asks_slots) && !loaded(time)) status = 503;
    if (status != 200) size = (size_t)sprintf(body, "{\"error\":{\"code\":%d}}", status);
    else if (asks_health) size = (size_t)sprintf(body, "{\"status\":\"ok\"}");
    else if (asks_slots) size = list_slots(body, busy);
    else if (asks_props)
        size = (size_t)sprintf(body,
            "{\"total_slots\":%d,\"default_generation_settings\":{\"n_ctx\":%d}}", engine.slots,
            engine.context / engine.slots);
    else size = count_up(body, busy);
    answer = malloc(size + 256);
    *length = (size_t)sprintf(answer,
        "HTTP/1.1 %d X\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n", status,
        size);
    memcpy(answer + *length, body, size);
    *length += size;
    free(body);
    return answer;
}
