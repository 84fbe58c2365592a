/* A load client: `load HOST PORT PATH MODEL STREAMS TOKENS RATE STREAMED WARM MEASURED`
 *
 * Opens STREAMS connections and says "connected"; a line on standard input lets
 * it begin. Every connection asks for TOKENS tokens at RATE a second (0: as fast
 * as they come), again and again. What happens in the first WARM milliseconds is
 * not counted; "measuring" tells their end. MEASURED milliseconds later it prints
 * what it saw as JSON, and holds everything open until standard input ends.
 * TOKENS of -1 asks for nothing and only holds the connections.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { EVENTS = 512, HEAD_ROOM = 8192, EVENT_ROOM = 4096, ERRORS_ALLOWED = 1000 };

typedef enum { HEAD, SIZE, DATA, DATA_END, LAST_END, COUNTED } Part;

typedef struct {
    int fd;
    bool asked, answered, done;
    Part part;
    uint64_t begin_at, asked_at, told_at;
    long missing;
    int head_length, event_length;
    char head[HEAD_ROOM], event[EVENT_ROOM];
} Stream;

typedef struct {
    double *values;
    size_t count, room;
} Samples;

static struct sockaddr_in server;
static char request[2048];
static size_t request_length;
static bool streamed, measuring;
static uint64_t measured_from;
static int poller;
static long requests, chunks, errors;
static Samples first_bytes, delays, gaps;

static uint64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void note(Samples *samples, double value) {
    if (samples->count == samples->room) {
        samples->room = samples->room ? 2 * samples->room : 65536;
        samples->values = realloc(samples->values, samples->room * sizeof value);
    }
    samples->values[samples->count++] = value;
}

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The sample at this share of the sorted ones: "nearest rank". */
static double at_share(const Samples *samples, double share) {
    return samples->values[(size_t)(share * (double)(samples->count - 1) + 0.5)];
}

static void print_samples(const char *name, Samples *samples) {
    if (!samples->count) {
        printf(",\"%s\":null", name);
        return;
    }
    qsort(samples->values, samples->count, sizeof(double), ascending);
    printf(",\"%s\":{\"count\":%zu,\"p50\":%.3f,\"p99\":%.3f,\"max\":%.3f}", name, samples->count,
           at_share(samples, 0.5), at_share(samples, 0.99), at_share(samples, 1.0));
}

static void connect_stream(Stream *s) {
    int on = 1;
    s->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(s->fd, (void *)&server, sizeof server)) {
        perror("load");
        exit(1);
    }
    setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    fcntl(s->fd, F_SETFL, O_NONBLOCK);
    struct epoll_event wanted = {.events = EPOLLIN, .data.ptr = s};
    epoll_ctl(poller, EPOLL_CTL_ADD, s->fd, &wanted);
}

static void ask(Stream *s) {
    s->part = HEAD;
    s->head_length = s->event_length = 0;
    s->answered = s->done = false;
    s->asked = true;
    s->asked_at = now();
    s->told_at = 0;
    if (send(s->fd, request, request_length, 0) != (ssize_t)request_length) errors++;
}

static void ask_anew(Stream *s, bool failed) {
    errors += failed;
    close(s->fd);
    connect_stream(s);
    ask(s);
}

/* What a client sees: from one token to the next. */
static void note_gap(Stream *s, uint64_t time) {
    if (measuring && s->told_at) note(&gaps, (double)(time - s->told_at) / 1e3);
    s->told_at = time;
}

static void take_event(Stream *s, const char *event, size_t length, uint64_t time) {
    static const char KEY[] = "bench_sent:";
    const char *found = memmem(event, length, KEY, sizeof KEY - 1);
    if (found) {
        chunks++;
        note_gap(s, time);
        if (measuring) note(&delays, (double)(time - strtoull(found + sizeof KEY - 1, NULL, 10)) / 1e3);
    } else if (length >= 12 && !memcmp(event, "data: [DONE]", 12)) {
        s->done = true;
    }
}

static void take_payload(Stream *s, const char *data, size_t length, uint64_t time) {
    if (!s->answered) {
        s->answered = true;
        if (measuring && s->asked_at >= measured_from) note(&first_bytes, (double)(time - s->asked_at) / 1e3);
    }
    if (!streamed) return;
    while (length) {
        if (!s->event_length) {
            const char *end = memchr(data, '\n', length);
            if (end) {
                take_event(s, data, (size_t)(end - data), time);
                length -= (size_t)(end + 1 - data);
                data = end + 1;
                continue;
            }
        }
        size_t room = sizeof s->event - (size_t)s->event_length;
        size_t taken = length < room ? length : room, searched = (size_t)s->event_length;
        memcpy(s->event + searched, data, taken);
        size_t all = searched + taken;
        char *end = memchr(s->event + searched, '\n', taken);
        if (!end && taken < length) { /* an event longer than any that was sent */
            errors++;
            return;
        }
        size_t used = end ? (size_t)(end + 1 - s->event) - searched : taken;
        if (end) take_event(s, s->event, (size_t)(end - s->event), time);
        s->event_length = end ? 0 : (int)all;
        data += used;
        length -= used;
    }
}

/* Take bytes of the head; return how many of them belonged to it. */
static size_t take_head(Stream *s, const char *data, size_t length) {
    size_t before = (size_t)s->head_length, room = sizeof s->head - 1 - before;
    size_t taken = length < room ? length : room;
    memcpy(s->head + before, data, taken);
    s->head[before + taken] = 0;
    char *end = strstr(s->head, "\r\n\r\n");
    if (!end) {
        s->head_length += (int)taken;
        return length;
    }
    errors += strncmp(s->head, "HTTP/1.1 200", 12) != 0;
    end[2] = 0;
    char *counted = strcasestr(s->head, "\r\ncontent-length:");
    s->part = counted ? COUNTED : SIZE;
    s->missing = counted ? atol(counted + 17) : 0;
    return (size_t)(end + 4 - s->head) - before;
}

static void take_size_digit(Stream *s, char c) {
    if (c == '\n') s->part = s->missing ? DATA : LAST_END;
    else if (c >= '0' && c <= '9') s->missing = 16 * s->missing + c - '0';
    else if ((c | 32) >= 'a' && (c | 32) <= 'f') s->missing = 16 * s->missing + (c | 32) - 'a' + 10;
}

/* Take what came; say whether the answer is complete. */
static bool take(Stream *s, const char *data, size_t length, uint64_t time) {
    while (length) {
        size_t used = 1;
        if (s->part == HEAD) {
            used = take_head(s, data, length);
        } else if (s->part == SIZE) {
            take_size_digit(s, *data);
        } else if (s->part == DATA || s->part == COUNTED) {
            used = length < (size_t)s->missing ? length : (size_t)s->missing;
            take_payload(s, data, used, time);
            s->missing -= (long)used;
            if (!s->missing && s->part == COUNTED) return true;
            if (!s->missing) s->part = DATA_END;
        } else if (*data == '\n') {
            if (s->part == LAST_END) return true;
            s->part = SIZE;
        }
        data += used;
        length -= used;
    }
    return false;
}

static void serve(Stream *s) {
    static char buffer[1 << 18];
    ssize_t got = recv(s->fd, buffer, sizeof buffer, 0);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) { /* closed between two requests is no error */
        if (s->asked) ask_anew(s, s->head_length || s->part != HEAD);
        else exit((fprintf(stderr, "load: an idle connection was closed\n"), 1));
        return;
    }
    if (!take(s, buffer, (size_t)got, now())) return;
    requests++;
    errors += streamed && !s->done;
    ask(s);
}

static void build_request(char **a, long tokens) {
    char body[512];
    int length = sprintf(body,
        "{\"model\":\"%.200s\",\"stream\":%s,\"bench_tokens\":%ld,\"bench_rate\":%s,"
        "\"messages\":[{\"role\":\"user\",\"content\":\"Count as far as you can.\"}]}",
        a[4], streamed ? "true" : "false", tokens, a[7]);
    request_length = (size_t)snprintf(request, sizeof request,
        "POST %.800s HTTP/1.1\r\nHost: %s:%s\r\nUser-Agent: bench\r\nAccept: */*\r\n"
        "Authorization: Bearer sk-bench\r\nContent-Type: application/json\r\n"
        "Content-Length: %d\r\n\r\n%s", a[3], a[1], a[2], length, body);
}

static void wait_for_line(void) {
    char ignored[64];
    if (read(STDIN_FILENO, ignored, sizeof ignored) <= 0) exit(0);
}

static void run(Stream *streams, int count, long tokens, uint64_t warm, uint64_t measured) {
    struct epoll_event happened[EVENTS];
    uint64_t from = now(), end = UINT64_MAX; /* known once it is measured */
    bool paced = strstr(request, "\"bench_rate\":0,") == NULL;
    int begun = tokens < 0 ? count : 0;
    for (uint64_t time = from; time < end && errors < ERRORS_ALLOWED; time = now()) {
        while (begun < count && (!paced || time >= from + warm * (uint64_t)begun / (uint64_t)count))
            ask(&streams[begun++]);
        if (!measuring && time >= from + warm) {
            measuring = true;
            measured_from = time;
            end = time + measured;
            requests = chunks = 0;
            printf("measuring\n");
            fflush(stdout);
        }
        uint64_t next = begun < count ? time + 1000000 : measuring ? end : from + warm;
        struct timespec timeout = {0, next > time ? (long)((next - time) % 1000000000u) : 0};
        int n = epoll_pwait2(poller, happened, EVENTS, &timeout, NULL);
        for (int i = 0; i < n; i++) serve(happened[i].data.ptr);
    }
}

int main(int count, char **a) {
    if (count != 11) {
        fprintf(stderr, "load: expected ten arguments\n");
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    int stream_count = atoi(a[5]);
    long tokens = atol(a[6]);
    streamed = atoi(a[8]);
    server.sin_family = AF_INET;
    server.sin_port = htons((uint16_t)atoi(a[2]));
    inet_pton(AF_INET, a[1], &server.sin_addr);
    build_request(a, tokens);
    poller = epoll_create1(0);
    Stream *streams = calloc((size_t)stream_count, sizeof *streams);
    for (int i = 0; i < stream_count; i++) connect_stream(&streams[i]);
    printf("connected\n");
    fflush(stdout);
    wait_for_line();
    run(streams, stream_count, tokens, 1000000u * strtoull(a[9], NULL, 10),
        1000000u * strtoull(a[10], NULL, 10));
    double seconds = (double)(now() - measured_from) / 1e9;
    printf("{\"seconds\":%.6f,\"requests\":%ld,\"chunks\":%ld,\"errors\":%ld", seconds, requests,
           chunks, errors);
    print_samples("first_byte", &first_bytes);
    print_samples("delay", &delays);
    print_samples("gap", &gaps);
    printf("}\n");
    fflush(stdout);
    wait_for_line();
    return 0;
}
