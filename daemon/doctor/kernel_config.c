/* SPDX-License-Identifier: Apache-2.0 */
#include "doctor/kernel_config.h"

#include <ctype.h>
#include <sys/utsname.h>
#include <zlib.h>

#include "base/file.h"
#include "base/util.h"

struct line {
    const char *option; /* inside text */
    size_t place;       /* its number in the file: the last line about an option wins */
    enum kernel_setting setting;
};

struct kernel_config {
    char *text; /* cut up by NULs */
    struct line *lines;
    size_t count;
    unsigned version;
    enum kernel_arch arch;
};

#define PREFIX "CONFIG_"
#define UNSET " is not set"

/* "5.10.93-rc1" as 0x050a5d. A part above 255 counts as 255, as in the kernel's own LINUX_VERSION_CODE. */
static unsigned parse_version(const char *text)
{
    unsigned version = 0;
    int parts = 0;

    for (; parts < 3 && isdigit((unsigned char)*text); parts++) {
        char *end = NULL;
        unsigned long part = strtoul(text, &end, 10);

        version |= (unsigned)(part < 255 ? part : 255) << (16 - 8 * parts);
        text = *end == '.' ? end + 1 : end;
    }
    return parts < 2 ? 0 : version;
}

/* "# Linux/arm64 5.10.93 Kernel Configuration" */
static void parse_head(struct kernel_config *config, const char *line)
{
    static const char *const arches[ARCHES] = {[ARCH_ARM64] = "arm64", [ARCH_ARM] = "arm", [ARCH_X86] = "x86"};
    const char *arch = strstr(line, "Linux/");
    const char *version = arch == NULL ? NULL : strchr(arch, ' ');

    if (config->version != 0 || version == NULL || strstr(version, " Kernel Configuration") == NULL) {
        return;
    }
    config->version = parse_version(version + 1);
    if (config->version == 0) {
        return;
    }
    arch += strlen("Linux/");
    config->arch = ARCH_OTHER;
    for (size_t i = 0; i < ARRAY_SIZE(arches); i++) {
        if (arches[i] != NULL && strlen(arches[i]) == (size_t)(version - arch) && starts_with(arch, arches[i])) {
            config->arch = (enum kernel_arch)i;
        }
    }
}

/* Cut the name of the option off what follows it; NULL if this is no name. */
static char *cut_name(char *name, const char **rest)
{
    char *end = name;

    while (isalnum((unsigned char)*end) || *end == '_') {
        end++;
    }
    *rest = end;
    return end == name ? NULL : end;
}

/* What one line says of one option; false if it says nothing. Values other than y, m and n belong to other types. */
static bool parse_line(char *line, struct line *parsed)
{
    bool comment = starts_with(line, "# " PREFIX);
    char *name = line + (comment ? strlen("# " PREFIX) : strlen(PREFIX));
    const char *rest = NULL;
    char *end;

    if (!comment && !starts_with(line, PREFIX)) {
        return false;
    }
    end = cut_name(name, &rest);
    if (end == NULL) {
        return false;
    }
    if (comment) {
        if (!streq(rest, UNSET)) {
            return false;
        }
        parsed->setting = SETTING_NO;
    } else if (streq(rest, "=y")) {
        parsed->setting = SETTING_YES;
    } else if (streq(rest, "=m")) {
        parsed->setting = SETTING_MODULE;
    } else if (streq(rest, "=n")) {
        parsed->setting = SETTING_NO;
    } else {
        return false;
    }
    *end = '\0';
    parsed->option = name;
    return true;
}

static int compare_lines(const void *a, const void *b)
{
    const struct line *left = a;
    const struct line *right = b;
    int order = strcmp(left->option, right->option);

    return order != 0 ? order : (left->place > right->place) - (left->place < right->place);
}

static void parse_text(struct kernel_config *config, size_t length)
{
    char *end = config->text + length;
    size_t capacity = 0;

    for (char *at = config->text; at < end;) {
        char *newline = memchr(at, '\n', (size_t)(end - at));
        char *next = newline == NULL ? end : newline;
        char *tail = next;
        struct line parsed = {.place = config->count};

        *tail = '\0';
        /* Written by an editor of another system, or with blanks at the end */
        while (tail > at && isspace((unsigned char)tail[-1])) {
            *--tail = '\0';
        }
        if (strlen(at) != (size_t)(tail - at)) {
            at = next + 1; /* a NUL within: no text */
            continue;
        }
        if (parse_line(at, &parsed)) {
            if (config->count == capacity) {
                capacity = capacity == 0 ? 1024 : capacity * 2;
                config->lines = xrealloc(config->lines, capacity * sizeof(*config->lines));
            }
            config->lines[config->count++] = parsed;
        } else if (*at == '#') {
            parse_head(config, at);
        }
        at = next + 1;
    }
    if (config->count > 0) {
        qsort(config->lines, config->count, sizeof(*config->lines), compare_lines);
    }
}

/* zlib's own words where it has some. */
static int gzip_error(struct error *err, const char *name, const char *why)
{
    error_set(err, ERROR_INPUT, 0, "%s: %s", name, why);
    return error_remedy(err, "copy /proc/config.gz from the board anew");
}

static int unpack(const char *data, size_t length, const char *name, struct text *text, struct error *err)
{
    char buffer[16384];
    z_stream stream = {.next_in = (Bytef *)data, .avail_in = (uInt)length};
    int status = inflateInit2(&stream, 16 + MAX_WBITS);

    while (status == Z_OK && text->length <= KERNEL_CONFIG_LONGEST) {
        stream.next_out = (Bytef *)buffer;
        stream.avail_out = sizeof(buffer);
        status = inflate(&stream, Z_NO_FLUSH);
        text_append(text, buffer, sizeof(buffer) - stream.avail_out);
    }
    /* stream.msg is a constant of zlib's */
    inflateEnd(&stream);
    if (text->length > KERNEL_CONFIG_LONGEST) {
        return gzip_error(err, name, "unpacks to more than a kernel configuration can be");
    }
    if (status != Z_STREAM_END) {
        return gzip_error(err, name, status == Z_BUF_ERROR ? "ends in the middle" : "is damaged");
    }
    return 0;
}

struct kernel_config *kernel_config_parse(const char *data, size_t length, const char *name, struct error *err)
{
    struct kernel_config *config;
    struct text text = {0};

    if (length >= 2 && (unsigned char)data[0] == 0x1f && (unsigned char)data[1] == 0x8b) {
        if (length > KERNEL_CONFIG_LONGEST || unpack(data, length, name, &text, err) != 0) {
            text_free(&text);
            return NULL;
        }
    } else {
        text_append(&text, data, length);
    }
    config = xcalloc(1, sizeof(*config));
    length = text.length;
    config->text = text_take(&text);
    config->arch = ARCHES;
    parse_text(config, length);
    if (config->count == 0) {
        kernel_config_free(config);
        error_set(err, ERROR_INPUT, 0, "%s is no kernel configuration: no line sets an option", name);
        error_remedy(err, "give a .config, a defconfig, or a copy of /proc/config.gz");
        return NULL;
    }
    return config;
}

static struct kernel_config *read_file(const char *path, struct error *err)
{
    CLEANUP_FREE char *data = NULL;
    size_t length = 0;

    if (file_read(path, KERNEL_CONFIG_LONGEST, &data, &length, err) != 0) {
        return NULL;
    }
    return kernel_config_parse(data, length, path, err);
}

struct kernel_config *kernel_config_read(const char *path, struct error *err)
{
    static const struct {
        const char *before;
        const char *behind;
    } places[] = {{"/boot/config-", ""}, {"/lib/modules/", "/config"}};
    struct kernel_config *config;
    struct utsname system;

    if (path != NULL) {
        return read_file(path, err);
    }
    config = read_file("/proc/config.gz", err);
    uname(&system);
    for (size_t i = 0; config == NULL && i < ARRAY_SIZE(places); i++) {
        char place[256];

        snprintf(place, sizeof(place), "%s%s%s", places[i].before, system.release, places[i].behind);
        config = read_file(place, err);
    }
    if (config == NULL) {
        error_set(err, ERROR_UNSUPPORTED, 0, "the running kernel %s does not show its configuration", system.release);
        error_remedy(err,
                     "build it with CONFIG_IKCONFIG=y and CONFIG_IKCONFIG_PROC=y, or name the file that it was built "
                     "with: --kernel-config FILE");
    } else {
        error_clear(err);
    }
    return config;
}

void kernel_config_free(struct kernel_config *config)
{
    if (config != NULL) {
        free(config->lines);
        free(config->text);
        free(config);
    }
}

unsigned kernel_config_version(const struct kernel_config *config)
{
    return config->version;
}

unsigned kernel_running_version(void)
{
    struct utsname system;

    return uname(&system) == 0 ? parse_version(system.release) : 0;
}

enum kernel_setting kernel_config_setting(const struct kernel_config *config, const char *option)
{
    size_t low = 0;
    size_t high = config->count;

    /* The first line behind all that are about the option: the one before it is the last about it. */
    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (strcmp(config->lines[middle].option, option) <= 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low > 0 && streq(config->lines[low - 1].option, option) ? config->lines[low - 1].setting : SETTING_UNNAMED;
}

enum kernel_arch kernel_config_arch(const struct kernel_config *config)
{
    static const char *const options[ARCHES] = {[ARCH_ARM64] = "ARM64", [ARCH_ARM] = "ARM", [ARCH_X86] = "X86"};

    for (size_t i = 0; config->arch == ARCHES && i < ARRAY_SIZE(options); i++) {
        if (options[i] != NULL && kernel_config_setting(config, options[i]) == SETTING_YES) {
            return (enum kernel_arch)i;
        }
    }
    return config->arch == ARCHES ? ARCH_ARM64 : config->arch;
}
