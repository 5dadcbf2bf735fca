/* SPDX-License-Identifier: Apache-2.0 */
#include "run_timeline.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>

#include "base/file.h"
#include "base/util.h"
#include "control/colour.h"
#include "timeline/verb.h"

#define USUAL_WIDTH 100 /* of output that goes to no terminal */

/* Of the terminal, or what COLUMNS says. */
static unsigned output_width(void)
{
    const char *columns = getenv("COLUMNS");
    struct winsize size = {0};
    int64_t number = 0;

    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
        return size.ws_col;
    }
    return columns != NULL && text_parse_integer(columns, &number) && number > 0 && number < 1000 ? (unsigned)number
                                                                                                  : USUAL_WIDTH;
}

static int write_output(const char *path, const struct text *out)
{
    CLEANUP_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    struct error err = {0};

    if (fd < 0 || file_write_all(fd, text_string(out), out->length) != 0) {
        error_system(&err, errno, "write %s", path);
        return command_print_error(&err);
    }
    return EXIT_DONE;
}

/* The boots that the arguments name. */
static int parse_boots(const struct command *command, struct timeline_request *request)
{
    int64_t numbers[2] = {0, 1};

    for (int i = 0; i < command->argument_count; i++) {
        if (!text_parse_integer(command->arguments[i], &numbers[i]) || numbers[i] < 0) {
            return command_usage_error(command->verb, "a boot is a number (0 is the newest), not",
                                       command->arguments[i]);
        }
    }
    if (command->argument_count == 1) {
        numbers[1] = numbers[0];
        numbers[0] = 0;
    }
    if (numbers[0] == numbers[1]) {
        return command_usage_error(command->verb, "compare two different boots", NULL);
    }
    /* The older one is what the newer is measured by. */
    request->boot = (size_t)(numbers[0] < numbers[1] ? numbers[0] : numbers[1]);
    request->other = (size_t)(numbers[0] < numbers[1] ? numbers[1] : numbers[0]);
    return 0;
}

int run_timeline(struct command *command)
{
    struct timeline_request request = {
        .run_dir = command->run_dir,
        .state_dir = command->state_dir,
        .form = command->json          ? TIMELINE_AS_JSON
                : command->svg != NULL ? TIMELINE_AS_SVG
                                       : TIMELINE_AS_TEXT,
        .boot = (size_t)command->boot,
        .all = command->all,
        .compare = command->compare,
        .colour = colour_is_wanted(STDOUT_FILENO),
        .width = output_width(),
    };
    CLEANUP_TEXT struct text out = {0};
    struct error err = {0};
    int code;

    if (command->svg != NULL && (command->json || command->compare)) {
        return command_usage_error(command->verb, "--svg goes neither with --json nor with --compare", NULL);
    }
    if (!command->compare && command->argument_count > 0) {
        return command_usage_error(command->verb, "only --compare takes numbers; --boot N shows another boot, not",
                                   command->arguments[0]);
    }
    if (command->compare && (code = parse_boots(command, &request)) != 0) {
        return code;
    }
    code = timeline_answer(&request, &out, &err);
    if (code < 0) {
        return command_print_error(&err);
    }
    if (command->svg != NULL && !streq(command->svg, "-")) {
        return write_output(command->svg, &out);
    }
    command_print(&out);
    return code == 0 ? EXIT_DONE : EXIT_DIFFERENCES;
}
