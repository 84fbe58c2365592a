/* A scripted llama-server: `upstream PORT` prints the port it serves on (0: any
 * free one) and ends when its standard input does; with llama-server's flags it
 * is one that a program may start, child protocol and key included. Of its own
 * it knows --bench-loads-for MILLISECONDS, of which a load takes half or more,
 * and --bench-silent for one that does not speak that protocol.
 *
 * A POST is answered as llama-server answers: a chunked event stream, a chunk
 * for each result, progress events first where the request asks for them, the
 * timings with the last token, [DONE]; or one JSON object without "stream":true.
 * "bench_tokens" and "bench_rate" (a second; 0: as fast as they are taken) in
 * the body say what to send. Each token carries the time at which it was sent.
 * A GET of anything but /health, /props and /slots tells what was counted.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "answers.h"
#include "engine.h"
#include "request.h"

enum { BURST = 16, EVENTS = 512, TOKEN_CHARS = 6 };

typedef struct Connection {
    int fd, place; /* place among the busy ones, or -1 */
    char *input, *output;
    size_t received, input_room, unsent, output_room;
    bool streams;
    long tokens, sent;
    uint64_t period, due;
} Connection;

static int poller;
static Connection **busy;
static int busy_count, busy_room;

static void watch(Connection *c, bool writable) {
    struct epoll_event wanted = {.data.ptr = c};
    wanted.events = EPOLLIN | EPOLLRDHUP | (writable ? EPOLLOUT : 0);
    epoll_ctl(poller, EPOLL_CTL_MOD, c->fd, &wanted);
}

/* Send, or keep what does not fit now; say whether the connection still stands. */
static bool put(Connection *c, const char *data, size_t length) {
    if (!c->unsent) {
        ssize_t done = send(c->fd, data, length, 0);
        if (done < 0 && errno != EAGAIN) return false;
        if (done < 0) done = 0;
        data += done;
        length -= (size_t)done;
        if (!length) return true;
        watch(c, true);
    }
    if (c->unsent + length > c->output_room) {
        c->output_room = 2 * (c->unsent + length);
        c->output = realloc(c->output, c->output_room);
    }
    memcpy(c->output + c->unsent, data, length);
    c->unsent += length;
    return true;
}

static bool send_rest(Connection *c) {
    ssize_t done = send(c->fd, c->output, c->unsent, 0);
    if (done < 0) return errno == EAGAIN;
    c->unsent -= (size_t)done;
    memmove(c->output, c->output + done, c->unsent);
    if (!c->unsent) watch(c, false);
    return true;
}

static void rest(Connection *c) {
    if (c->place < 0) return;
    busy[c->place] = busy[--busy_count];
    busy[c->place]->place = c->place;
    c->place = -1;
}

static void work(Connection *c) {
    if (busy_count == busy_room) {
        busy_room = busy_room ? 2 * busy_room : 64;
        busy = realloc(busy, (size_t)busy_room * sizeof *busy);
    }
    c->place = busy_count;
    busy[busy_count++] = c;
}

static void drop(Connection *c) {
    if (c->place >= 0) {
        engine.broken_off++;
        engine.broken_off_at = now();
    }
    rest(c);
    close(c->fd);
    free(c->input);
    free(c->output);
    free(c);
}

/* One token a write when they are paced; as many as fit when the reader sets the
 * pace, so that it is never the upstream that is measured. */
static bool send_tokens(Connection *c, long count) {
    char data[sizeof opening + BURST * sizeof token];
    size_t length = 0;
    if (!c->sent) { /* the first token shares its write with the role */
        memcpy(data, opening, opening_length);
        length = opening_length;
    }
    for (c->sent += count; count--; length += token_length) {
        memcpy(data + length, token, token_length);
        stamp(data + length + stamp_at, now());
    }
    return put(c, data, length);
}

static bool send_end(Connection *c) {
    rest(c);
    return put(c, closing, closing_length) && put(c, ENDING, sizeof ENDING - 1);
}

static bool send_whole(Connection *c) {
    size_t text = (size_t)c->tokens * TOKEN_CHARS, length;
    char *answer = malloc(2 * text + 2048), *content = malloc(text + 1), *body;
    for (size_t i = 0; i < text; i++) content[i] = " token"[i % TOKEN_CHARS];
    content[text] = 0;
    body = answer + text + 1024;
    length = (size_t)sprintf(body,
        "{\"choices\":[{\"finish_reason\":\"stop\",\"index\":0,\"message\":{\"role\":\"assistant\","
        "\"content\":\"%s\"}}],%s,%s}", content, ABOUT, TIMINGS);
    size_t head = (size_t)sprintf(answer,
        "HTTP/1.1 200 OK\r\nServer: llama.cpp\r\nContent-Type: application/json; charset=utf-8\r\n"
        "Content-Length: %zu\r\n\r\n", length);
    memmove(answer + head, body, length);
    rest(c);
    bool stands = put(c, answer, head + length);
    free(content);
    free(answer);
    return stands;
}

static bool tell_about(Connection *c) {
    size_t length;
    char *answer = tell(c->input, busy_count, now(), &length);
    bool stands = put(c, answer, length);
    free(answer);
    return stands;
}

static bool begin(Connection *c, const char *body) {
    long rate = number(body, "\"bench_rate\"", 0);
    engine.requests++;
    c->tokens = number(body, "\"bench_tokens\"", 8);
    c->streams = wants(body, "\"stream\"");
    c->sent = 0;
    c->period = rate > 0 ? 1000000000u / (uint64_t)rate : 0;
    c->due = now();
    work(c);
    if (!c->streams) {
        c->due += c->period * (uint64_t)c->tokens;
        return true;
    }
    if (!put(c, STREAM_HEAD, sizeof STREAM_HEAD - 1)) return false;
    return !wants(body, "\"return_progress\"") || put(c, progress, progress_length);
}

/* Begin to answer the next request that has come whole, if one has. */
static bool take_request(Connection *c) {
    if (c->place >= 0 || !c->received) return true;
    c->input[c->received] = 0;
    char *end = strstr(c->input, "\r\n\r\n");
    if (!end) return true;
    size_t whole = (size_t)(end + 4 - c->input) + body_length(c->input, end);
    if (c->received < whole) return true;
    char kept = c->input[whole];
    c->input[whole] = 0;
    bool stands = strncmp(c->input, "GET ", 4) ? begin(c, end + 4) : tell_about(c);
    c->input[whole] = kept;
    c->received -= whole;
    memmove(c->input, c->input + whole, c->received);
    return stands;
}

static bool receive(Connection *c) {
    for (;;) {
        if (c->received + 65536 > c->input_room) {
            c->input_room = 2 * c->input_room + 65536;
            c->input = realloc(c->input, c->input_room + 1);
        }
        ssize_t got = recv(c->fd, c->input + c->received, c->input_room - c->received, 0);
        if (got <= 0) return got < 0 && errno == EAGAIN && take_request(c);
        if (!engine.first_asked_at && c->input[0] == 'P') engine.first_asked_at = now();
        c->received += (size_t)got;
    }
}

/* Send what is due of one answer. */
static bool proceed(Connection *c, uint64_t time) {
    if (!c->streams) return c->due > time || (send_whole(c) && take_request(c));
    while (!c->unsent && c->due <= time) {
        long left = c->tokens - c->sent;
        if (left <= 0) return send_end(c) && take_request(c);
        if (!c->period) return send_tokens(c, left < BURST ? left : BURST);
        if (!send_tokens(c, 1)) return false;
        c->due += c->period;
    }
    return true;
}

/* The nanoseconds until something is due; -1 if nothing is. */
static int64_t until_due(bool ready) {
    int64_t time = (int64_t)now(), wait = ready ? -1 : (int64_t)engine.ready_at - time;
    if (!ready && wait < 0) wait = 0;
    for (int i = 0; i < busy_count; i++) {
        if (busy[i]->unsent) continue;
        int64_t left = (int64_t)busy[i]->due - time;
        if (left < 0) left = 0;
        if (wait < 0 || left < wait) wait = left;
    }
    return wait;
}

static void accept_all(int listener) {
    int fd, on = 1;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        Connection *c = calloc(1, sizeof *c);
        c->fd = fd;
        c->place = -1;
        struct epoll_event wanted = {.events = EPOLLIN | EPOLLRDHUP, .data.ptr = c};
        epoll_ctl(poller, EPOLL_CTL_ADD, fd, &wanted);
    }
}

static int listen_on(int port) {
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), on = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    socklen_t length = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listener, (void *)&address, length) || listen(listener, 4096)) {
        perror("upstream");
        exit(1);
    }
    getsockname(listener, (void *)&address, &length);
    engine.port = ntohs(address.sin_port);
    return listener;
}

static void serve(Connection *c, uint32_t what) {
    bool stands = !(what & (EPOLLERR | EPOLLHUP | EPOLLRDHUP));
    if (stands && what & EPOLLOUT) stands = send_rest(c);
    if (stands && what & EPOLLIN) stands = receive(c);
    if (!stands) drop(c);
}

int main(int count, char **arguments) {
    static int from_stdin, from_listener; /* only their addresses matter */
    struct epoll_event happened[EVENTS];
    signal(SIGPIPE, SIG_IGN);
    prepare();
    read_arguments(count, arguments, now());
    poller = epoll_create1(0);
    int listener = listen_on(engine.port);
    bool ready = false;
    say_beginning();
    struct epoll_event wanted = {.events = EPOLLIN, .data.ptr = &from_listener};
    epoll_ctl(poller, EPOLL_CTL_ADD, listener, &wanted);
    wanted.data.ptr = &from_stdin;
    epoll_ctl(poller, EPOLL_CTL_ADD, STDIN_FILENO, &wanted);
    for (;;) {
        if (!ready && (ready = loaded(now()))) become_ready(now());
        int64_t wait = until_due(ready);
        struct timespec timeout = {wait / 1000000000, wait % 1000000000};
        int n = epoll_pwait2(poller, happened, EVENTS, wait < 0 ? NULL : &timeout, NULL);
        for (int i = 0; i < n; i++) {
            if (happened[i].data.ptr == &from_stdin) return 0;
            if (happened[i].data.ptr == &from_listener) accept_all(listener);
            else serve(happened[i].data.ptr, happened[i].events);
        }
        uint64_t time = now();
        for (int i = busy_count; i--;)
            if (i < busy_count && !proceed(busy[i], time)) drop(busy[i]);
    }
}
