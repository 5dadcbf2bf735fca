/* SPDX-License-Identifier: Apache-2.0 */
#include "supervise/condition.h"

#include <assert.h>
#include <errno.h>
#include <net/if.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <time.h>

#include "base/path.h"
#include "base/util.h"
#include "host/facts.h"

/* Later than any clock: a timer that only ever ends because the clock is set. The kernel cuts it to what it can count. */
#define NEVER (sizeof(time_t) == 8 ? INT64_MAX : INT32_MAX)

/* --- the network --- */

static void on_network(void *data, uint32_t events)
{
    struct conditions *conditions = data;

    (void)events;
    facts_drain(conditions->network.fd);
    conditions->changed(conditions->data);
}

static int watch_network(struct conditions *conditions, const struct condition_config *config, struct error *err)
{
    CLEANUP_CLOSE int fd = -1;

    (void)config;
    if (conditions->network.fd >= 0) {
        return 0;
    }
    fd = facts_watch_network(err);
    if (fd < 0 || loop_add(conditions->loop, &conditions->network, fd, EPOLLIN, on_network, conditions, err) != 0) {
        return -1;
    }
    take_fd(&fd);
    return 0;
}

static bool is_destination(struct condition_config *config, const char **why)
{
    struct facts_destination destination;

    return facts_parse_destination(config->value, &destination, why);
}

static bool has_route(const struct condition_config *config, char *reason, size_t size)
{
    struct facts_destination destination;
    const char *why = NULL;

    if (facts_parse_destination(config->value, &destination, &why) && facts_has_route(&destination)) {
        return true;
    }
    if (destination.family == AF_UNSPEC) {
        snprintf(reason, size, "no default route");
    } else {
        snprintf(reason, size, "no route to %s", config->value);
    }
    return false;
}

/* What the kernel takes for a name, dev_valid_name(). */
static bool is_interface(struct condition_config *config, const char **why)
{
    const char *value = config->value;

    *why = NULL;
    if (value[0] == '\0' || strlen(value) >= IFNAMSIZ) {
        *why = "must be an interface's name, 1 to 15 bytes";
    } else if (value[strcspn(value, "/: \t\n\v\f\r")] != '\0' || streq(value, ".") || streq(value, "..")) {
        *why = "is no possible name of an interface";
    }
    return *why == NULL;
}

static bool has_address(const struct condition_config *config, char *reason, size_t size)
{
    switch (facts_interface(config->value)) {
        case FACTS_ADDRESS:
            return true;
        case FACTS_NO_INTERFACE:
            snprintf(reason, size, "there is no interface %s", config->value);
            break;
        case FACTS_DOWN:
            snprintf(reason, size, "%s is down", config->value);
            break;
        case FACTS_NO_ADDRESS:
            snprintf(reason, size, "%s has no address", config->value);
            break;
    }
    return false;
}

/* --- the clock --- */

/* Of the kernel's exact clock: time(2) may be a tick behind it, and so behind the timer that has just ended. */
static int64_t wall_seconds(void)
{
    struct timespec now = {0};

    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec;
}

/* The next instant that is still to come. */
static int64_t next_instant(const struct conditions *conditions)
{
    int64_t now = wall_seconds();
    int64_t next = NEVER;

    for (size_t i = 0; i < conditions->instant_count; i++) {
        if (conditions->instants[i] > now && conditions->instants[i] < next) {
            next = conditions->instants[i];
        }
    }
    return next;
}

/* The timer also ends when somebody sets the clock; ECANCELED says that this happened before, and the timer runs all the
 * same (timerfd_create(2)). Set back between our look at the clock and the call, it would have another instant come first:
 * so look again, until both agree. */
static int set_clock_timer(struct conditions *conditions, struct error *err)
{
    int64_t next = next_instant(conditions);

    for (int64_t set = -1; set != next; next = next_instant(conditions)) {
        struct itimerspec when = {.it_value.tv_sec = next};

        if (timerfd_settime(conditions->clock.fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &when, NULL) != 0 &&
            errno != ECANCELED) {
            return error_system(err, errno, "set a timer of the clock");
        }
        set = next;
    }
    return 0;
}

static void on_clock(void *data, uint32_t events)
{
    struct conditions *conditions = data;
    struct error ignored = {0};
    uint64_t ended;

    (void)events;
    /* ECANCELED: the clock was set. Nothing to read: it was set again meanwhile, and an event follows. */
    if (read(conditions->clock.fd, &ended, sizeof(ended)) < 0 && errno != ECANCELED) {
        return;
    }
    set_clock_timer(conditions, &ignored); /* the same call on the same timer succeeded before */
    conditions->changed(conditions->data);
}

static int watch_clock(struct conditions *conditions, const struct condition_config *config, struct error *err)
{
    CLEANUP_CLOSE int fd = -1;

    if (conditions->clock.fd < 0) {
        fd = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
        if (fd < 0) {
            return error_system(err, errno, "timerfd_create");
        }
        if (loop_add(conditions->loop, &conditions->clock, fd, EPOLLIN, on_clock, conditions, err) != 0) {
            return -1;
        }
        take_fd(&fd);
    }
    conditions->instants =
        xrealloc(conditions->instants, (conditions->instant_count + 1) * sizeof(conditions->instants[0]));
    conditions->instants[conditions->instant_count++] = config->clock;
    return set_clock_timer(conditions, err);
}

/* Two or four digits; -1 if there are others. */
static int read_digits(const char *text, int count)
{
    int number = 0;

    for (int i = 0; i < count; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return -1;
        }
        number = number * 10 + (text[i] - '0');
    }
    return number;
}

static int days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return days[month - 1] + (month == 2 && is_leap);
}

/* Days from 1970-01-01 in the Gregorian calendar, without the time zone that mktime(3) would bring. */
static int64_t days_since_epoch(int year, int month, int day)
{
    int64_t days = (year - 1970) * 365 + (year - 1969) / 4 - (year - 1901) / 100 + (year - 1601) / 400;

    for (int earlier = 1; earlier < month; earlier++) {
        days += days_in_month(year, earlier);
    }
    return days + day - 1;
}

static bool has_form(const char *value, const char *form)
{
    for (; *value != '\0' && *form != '\0'; value++, form++) {
        if (*form == '0' ? *value < '0' || *value > '9' : *value != *form) {
            return false;
        }
    }
    return *value == *form;
}

static bool is_date(struct condition_config *config, const char **why)
{
    const char *value = config->value;
    bool has_time = has_form(value, "0000-00-00T00:00:00Z");
    int year;
    int month;
    int day;
    int seconds = 0;

    *why = NULL;
    if (!has_time && !has_form(value, "0000-00-00")) {
        *why = "must be a day or an instant in UTC, such as 2024-01-01 or 2024-01-01T12:00:00Z";
        return false;
    }
    year = read_digits(value, 4);
    month = read_digits(value + 5, 2);
    day = read_digits(value + 8, 2);
    if (year < 1970 || month < 1 || month > 12 || day < 1 || day > days_in_month(year, month)) {
        *why = "names a day that there is not, or one before 1970";
        return false;
    }
    if (has_time) {
        int hour = read_digits(value + 11, 2);
        int minute = read_digits(value + 14, 2);
        int second = read_digits(value + 17, 2);

        if (hour > 23 || minute > 59 || second > 59) {
            *why = "names a time of day that there is not";
            return false;
        }
        seconds = hour * 3600 + minute * 60 + second;
    }
    config->clock = days_since_epoch(year, month, day) * 24 * 3600 + seconds;
    return true;
}

static bool is_clock_reached(const struct condition_config *config, char *reason, size_t size)
{
    int64_t seconds = wall_seconds();
    time_t now = (time_t)seconds;
    struct tm parts = {0};
    char text[64] = "";

    if (seconds >= config->clock) {
        return true;
    }
    gmtime_r(&now, &parts);
    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &parts);
    if (strchr(config->value, 'T') == NULL) {
        text[strcspn(text, "T")] = '\0';
    }
    snprintf(reason, size, "the clock says %s, before %s", text, config->value);
    return false;
}

/* --- files and mounts --- */

static void on_file(void *data)
{
    struct conditions *conditions = data;

    if (!conditions->looking) {
        conditions->changed(conditions->data);
    }
}

static void on_mounts(void *data, uint32_t events)
{
    struct conditions *conditions = data;

    (void)events;
    conditions->looking = true;
    watch_again(conditions->watcher);
    conditions->looking = false;
    conditions->changed(conditions->data);
}

static int watch_mounts(struct conditions *conditions, const struct condition_config *config, struct error *err)
{
    CLEANUP_CLOSE int fd = -1;

    (void)config;
    if (conditions->mounts.fd >= 0) {
        return 0;
    }
    fd = facts_watch_mounts(err);
    if (fd < 0 || loop_add(conditions->loop, &conditions->mounts, fd, EPOLLPRI, on_mounts, conditions, err) != 0) {
        return -1;
    }
    take_fd(&fd);
    return 0;
}

/* The mount table first: a mount between the two is then seen. */
static int watch_file(struct conditions *conditions, const struct condition_config *config, struct error *err)
{
    struct watch *watch;
    int result = watch_mounts(conditions, config, err);

    watch = watch_add(conditions->watcher, config->value, on_file, conditions, err);
    if (watch == NULL) {
        return -1;
    }
    conditions->files = xrealloc(conditions->files, (conditions->file_count + 1) * sizeof(conditions->files[0]));
    conditions->files[conditions->file_count++] = watch;
    return result;
}

static bool is_path(struct condition_config *config, const char **why)
{
    return path_is_normal(config->value, why);
}

static bool is_there(const struct condition_config *config, char *reason, size_t size)
{
    struct stat status;

    if (stat(config->value, &status) == 0) {
        return true;
    }
    if (errno == ENOENT || errno == ENOTDIR) {
        snprintf(reason, size, "%s is not there", config->value);
    } else {
        snprintf(reason, size, "%s: %s", config->value, strerror(errno));
    }
    return false;
}

static bool is_mounted(const struct condition_config *config, char *reason, size_t size)
{
    if (facts_is_mounted(config->value)) {
        return true;
    }
    snprintf(reason, size, "nothing is mounted at %s", config->value);
    return false;
}

/* --- all of them --- */

static const struct {
    const char *name;
    bool (*is_good)(struct condition_config *config, const char **why); /* sets config->clock */
    bool (*holds)(const struct condition_config *config, char *reason, size_t size);
    int (*watch)(struct conditions *conditions, const struct condition_config *config, struct error *err);
} kinds[] = {
    [CONDITION_ROUTE] = {"route", is_destination, has_route, watch_network},
    [CONDITION_ADDRESS] = {"address", is_interface, has_address, watch_network},
    [CONDITION_CLOCK] = {"clock", is_date, is_clock_reached, watch_clock},
    [CONDITION_FILE] = {"file", is_path, is_there, watch_file},
    [CONDITION_MOUNT] = {"mount", is_path, is_mounted, watch_mounts},
};
static_assert(ARRAY_SIZE(kinds) == CONDITION_KINDS, "a row for each kind of condition");

void conditions_open(struct conditions *conditions, struct loop *loop, struct watcher *watcher,
                     void (*changed)(void *data), void *data)
{
    *conditions = (struct conditions){
        .loop = loop,
        .watcher = watcher,
        .changed = changed,
        .data = data,
        .network.fd = -1,
        .clock.fd = -1,
        .mounts.fd = -1,
    };
}

int conditions_add(struct conditions *conditions, const struct condition_config *configs, size_t count,
                   struct error *err)
{
    char name[128];
    int result = 0;

    for (size_t i = 0; i < count; i++) {
        struct error failure = {0};

        if (kinds[configs[i].kind].watch(conditions, &configs[i], &failure) != 0 && result == 0) {
            *err = failure;
            result = error_wrap(err, "watch condition %s", condition_name(&configs[i], name, sizeof(name)));
        }
    }
    return result;
}

static void close_source(struct conditions *conditions, struct loop_source *source)
{
    int fd = source->fd;

    loop_remove(conditions->loop, source);
    if (fd >= 0) {
        close(fd);
    }
}

void conditions_clear(struct conditions *conditions)
{
    close_source(conditions, &conditions->network);
    close_source(conditions, &conditions->clock);
    close_source(conditions, &conditions->mounts);
    for (size_t i = 0; i < conditions->file_count; i++) {
        watch_remove(conditions->watcher, conditions->files[i]);
    }
    free(conditions->files);
    free(conditions->instants);
    conditions->files = NULL;
    conditions->file_count = 0;
    conditions->instants = NULL;
    conditions->instant_count = 0;
}

void conditions_close(struct conditions *conditions)
{
    conditions_clear(conditions);
}

bool condition_holds(const struct condition_config *config, char *reason, size_t size)
{
    return kinds[config->kind].holds(config, reason, size);
}

const char *condition_name(const struct condition_config *config, char *buffer, size_t size)
{
    snprintf(buffer, size, "%s %s", kinds[config->kind].name, config->value);
    return buffer;
}

bool condition_value_is_good(enum condition_kind kind, const char *value, int64_t *clock, const char **why)
{
    struct condition_config config = {.kind = kind, .value = value, .clock = *clock};
    bool good = kinds[kind].is_good(&config, why);

    *clock = config.clock;
    return good;
}
