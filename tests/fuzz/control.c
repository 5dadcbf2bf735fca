/* SPDX-License-Identifier: Apache-2.0 */
/* Requests at the control socket: whatever comes, in whatever pieces. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "base/json.h"
#include "base/util.h"
#include "control/request.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    json_setup();
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *input = (const char *)data;
    size_t length = size < CONTROL_LARGEST_REQUEST ? size : CONTROL_LARGEST_REQUEST;
    const char *newline = length == 0 ? NULL : memchr(input, '\n', length);
    const char *refusal = NULL;
    struct request request;
    struct request again;
    int result = request_read(input, length, &request, &refusal);

    assert(memchr(request.verb, '\0', sizeof(request.verb)) != NULL);
    assert(memchr(request.service, '\0', sizeof(request.service)) != NULL);
    assert(result != -1 || (refusal != NULL && refusal[0] != '\0'));
    if (newline == NULL) {
        assert(result == (length < CONTROL_LARGEST_REQUEST ? 0 : -1));
        return 0;
    }
    assert(result != 0);
    /* Before its newline it is not whole, and what comes after that does not matter. */
    assert(request_read(input, (size_t)(newline - input), &again, &refusal) == 0);
    assert(request_read(input, (size_t)(newline - input) + 1, &again, &refusal) == result);
    assert(result != 1 ||
           (streq(again.verb, request.verb) && streq(again.service, request.service) && again.wait == request.wait));
    return 0;
}
