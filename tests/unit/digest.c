/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256: the examples of FIPS 180-4, and every length around a block's end against coreutils. */
#include "base/digest.h"

#include "test.h"

static void examples(void **state)
{
    static const struct {
        const char *text;
        const char *digest;
    } rows[] = {
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    };
    char text[DIGEST_TEXT];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        digest_text(rows[i].text, strlen(rows[i].text), text);
        assert_string_equal(text, rows[i].digest);
    }
}

static void lengths(void **state)
{
    char bytes[200];
    char text[DIGEST_TEXT];
    char answer[DIGEST_TEXT];

    (void)state;
    memset(bytes, 'x', sizeof(bytes));
    for (size_t length = 50; length < 135; length += length == 57 ? 5 : length == 66 ? 50 : 1) {
        char command[320];
        FILE *pipe;

        snprintf(command, sizeof(command), "printf '%%s' '%.*s' | sha256sum", (int)length, bytes);
        pipe = popen(command, "r"); /* NOLINT(cert-env33-c): no input but ours */
        assert_non_null(pipe);
        assert_int_equal(fread(answer, 1, sizeof(answer) - 1, pipe), sizeof(answer) - 1);
        answer[sizeof(answer) - 1] = '\0';
        pclose(pipe);
        digest_text(bytes, length, text);
        assert_string_equal(text, answer);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(examples),
        cmocka_unit_test(lengths),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
