/* SPDX-License-Identifier: Apache-2.0 */
/* The reader: what counts as a line, gzip in every state, sizes, garbage. */
#include "doctor/kernel_config.h"

#include <errno.h>
#include <zlib.h>

#include "base/util.h"
#include "test.h"

static void test_lines(void **state)
{
    static const char text[] =
        "# Linux/arm64 5.10.93 Kernel Configuration\n"
        "CONFIG_YES=y\n"
        "CONFIG_MODULE=m\r\n"
        "CONFIG_NO=n\n"
        "# CONFIG_UNSET is not set\r\n"
        "CONFIG_BLANK=y \t\n"
        "# CONFIG_COMMENT=y\n"
        "#CONFIG_COMMENT2=y\n"
        " CONFIG_INDENTED=y\n"
        "CONFIG_SPACED = y\n"
        "CONFIG_NUMBER=48\n"
        "CONFIG_STRING=\"y\"\n"
        "CONFIG_LONG=yes\n"
        "CONFIG_=y\n"
        "CONFIG_YES_NOT=y\n"
        "XCONFIG_OTHER=y\n"
        "CONFIG_TWICE=y\n# CONFIG_TWICE is not set\nCONFIG_THRICE=n\nCONFIG_THRICE=m\nCONFIG_THRICE=y\n"
        "CONFIG_NUL=y\0x\n"
        "\n\n\xff\xfe\n"
        "CONFIG_LAST=y";
    static const struct {
        const char *option;
        enum kernel_setting setting;
    } cases[] = {
        {"YES", SETTING_YES},          {"MODULE", SETTING_MODULE},    {"NO", SETTING_NO},
        {"UNSET", SETTING_NO},         {"BLANK", SETTING_YES},        {"COMMENT", SETTING_UNNAMED},
        {"COMMENT2", SETTING_UNNAMED}, {"INDENTED", SETTING_UNNAMED}, {"SPACED", SETTING_UNNAMED},
        {"NUMBER", SETTING_UNNAMED},   {"STRING", SETTING_UNNAMED},   {"LONG", SETTING_UNNAMED},
        {"", SETTING_UNNAMED},         {"YES_NOT", SETTING_YES},      {"OTHER", SETTING_UNNAMED},
        {"TWICE", SETTING_NO},         {"THRICE", SETTING_YES},       {"NUL", SETTING_UNNAMED},
        {"LAST", SETTING_YES},         {"YE", SETTING_UNNAMED},       {"ZZZ", SETTING_UNNAMED},
        {"AAA", SETTING_UNNAMED},
    };
    struct error err = {0};
    struct kernel_config *config = kernel_config_parse(text, sizeof(text) - 1, "test", &err);

    (void)state;
    assert_non_null(config);
    assert_int_equal(kernel_config_version(config), 0x050a5d);
    assert_int_equal(kernel_config_arch(config), ARCH_ARM64);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        if (kernel_config_setting(config, cases[i].option) != cases[i].setting) {
            fail_msg("%s", cases[i].option);
        }
    }
    kernel_config_free(config);
    kernel_config_free(NULL);
}

static void test_head(void **state)
{
    static const struct {
        const char *text;
        unsigned version;
        enum kernel_arch arch;
    } cases[] = {
        {"CONFIG_X=y", 0, ARCH_ARM64},
        {"CONFIG_X86=y", 0, ARCH_X86},
        {"CONFIG_ARM=y", 0, ARCH_ARM},
        {"# Linux/x86 6.12.117 Kernel Configuration\nCONFIG_X=y", 0x060c75, ARCH_X86},
        {"# Linux/x86_64 3.2.1 Kernel Configuration\nCONFIG_X=y", 0x030201, ARCH_OTHER},
        {"# Linux/arm 4.19.300-rc1 Kernel Configuration\nCONFIG_ARM64=y", 0x0413ff, ARCH_ARM},
        {"# Linux/riscv 6.6.0 Kernel Configuration\r\nCONFIG_X=y", 0x060600, ARCH_OTHER},
        {"# Linux/arm64 7.2 Kernel Configuration\nCONFIG_X=y", 0x070200, ARCH_ARM64},
        {"# Linux/arm64 x.y Kernel Configuration\nCONFIG_X=y", 0, ARCH_ARM64},
        {"# Linux/arm64 5.10.1\nCONFIG_X=y", 0, ARCH_ARM64},
        {"# Linux/ Kernel Configuration\nCONFIG_X=y", 0, ARCH_ARM64},
        /* Layers put together: the first head */
        {"# Linux/arm64 6.6.22 Kernel Configuration\nCONFIG_X=y\n# Linux/x86 5.10.1 Kernel Configuration\n", 0x060616,
         ARCH_ARM64},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct error err = {0};
        struct kernel_config *config = kernel_config_parse(cases[i].text, strlen(cases[i].text), "test", &err);

        assert_non_null(config);
        if (kernel_config_version(config) != cases[i].version || kernel_config_arch(config) != cases[i].arch) {
            fail_msg("%s: %x %d", cases[i].text, kernel_config_version(config), (int)kernel_config_arch(config));
        }
        kernel_config_free(config);
    }
    assert_true(kernel_running_version() >= 0x040000);
}

/* Pack with gzip's frame, as the kernel does. Own the result. */
static unsigned char *pack(const char *data, size_t length, size_t *packed)
{
    unsigned char *out = xmalloc(length + 4096);
    z_stream stream = {.next_in = (Bytef *)data, .avail_in = (uInt)length, .next_out = out};

    stream.avail_out = (uInt)(length + 4096);
    assert_int_equal(deflateInit2(&stream, 9, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    *packed = stream.total_out;
    deflateEnd(&stream);
    return out;
}

static void expect_error(const void *data, size_t length, const char *what)
{
    struct error err = {0};

    assert_null(kernel_config_parse(data, length, "f.gz", &err));
    assert_int_equal(err.code, ERROR_INPUT);
    if (strstr(err.what, what) == NULL || err.remedy[0] == '\0') {
        fail_msg("\"%s\" is not in \"%s\"", what, err.what);
    }
}

static void test_gzip(void **state)
{
    static const char text[] =
        "# Linux/arm64 5.10.93 Kernel Configuration\nCONFIG_A=y\nCONFIG_B=m\n# CONFIG_C is not set\n";
    size_t length = 0;
    CLEANUP_FREE unsigned char *packed = pack(text, sizeof(text) - 1, &length);
    struct error err = {0};
    struct kernel_config *config = kernel_config_parse((char *)packed, length, "f.gz", &err);

    (void)state;
    assert_non_null(config);
    assert_int_equal(kernel_config_version(config), 0x050a5d);
    assert_int_equal(kernel_config_setting(config, "B"), SETTING_MODULE);
    kernel_config_free(config);
    /* Something behind it, as extract-ikconfig leaves it */
    packed = xrealloc(packed, length + 16);
    memset(packed + length, 'x', 16);
    config = kernel_config_parse((char *)packed, length + 16, "f.gz", &err);
    assert_non_null(config);
    kernel_config_free(config);
    /* Cut off anywhere */
    for (size_t i = 2; i < length; i++) {
        expect_error(packed, i, "ends in the middle");
    }
    /* Any byte damaged: either an error, or what nobody checks (time, name of the system) */
    for (size_t i = 0; i < length; i++) {
        packed[i] ^= 0x55;
        config = kernel_config_parse((char *)packed, length, "f.gz", &err);
        if (config != NULL) {
            assert_true(i >= 4 && i < 10);
            kernel_config_free(config);
        }
        packed[i] ^= 0x55;
    }
    expect_error("\x1f\x8b", 2, "ends in the middle");
    expect_error("\x1f\x8b\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff", 12, "is damaged");
}

static void test_gzip_without_lines(void **state)
{
    size_t length = 0;
    CLEANUP_FREE unsigned char *packed = pack("nothing\n", 8, &length);

    (void)state;
    expect_error(packed, length, "is no kernel configuration");
}

/* 5 MB of one byte pack into 5 kB */
static void test_bomb(void **state)
{
    size_t length = 0;
    size_t size = KERNEL_CONFIG_LONGEST + (1U << 20);
    CLEANUP_FREE char *zeros = xcalloc(1, size);
    CLEANUP_FREE unsigned char *packed = pack(zeros, size, &length);

    (void)state;
    assert_true(length < 64 * 1024);
    expect_error(packed, length, "unpacks to more");
}

static void test_garbage(void **state)
{
    char bytes[4096];
    unsigned seed = 1;

    (void)state;
    expect_error("", 0, "is no kernel configuration");
    expect_error("\n\n\n", 3, "is no kernel configuration");
    expect_error("# only a comment\n", 17, "is no kernel configuration");
    for (int i = 0; i < 200; i++) {
        for (size_t j = 0; j < sizeof(bytes); j++) {
            seed = seed * 1103515245 + 12345;
            bytes[j] = (char)(seed >> 16);
        }
        bytes[0] = 'x';
        expect_error(bytes, sizeof(bytes), "is no kernel configuration");
    }
}

/* A file of the bound's size is read, in which one option stands 300000 times; one byte more is refused. */
static void test_sizes(void **state)
{
    static const char line[] = "CONFIG_MANY=m\n";
    size_t count = KERNEL_CONFIG_LONGEST / (sizeof(line) - 1);
    FILE *file = fopen("big.config", "w");
    struct error err = {0};
    struct kernel_config *config;

    (void)state;
    assert_non_null(file);
    for (size_t i = 0; i < count; i++) {
        fputs(i + 1 == count ? "CONFIG_MANY=y\n" : line, file);
    }
    fclose(file);
    config = kernel_config_read("big.config", &err);
    assert_non_null(config);
    assert_int_equal(kernel_config_setting(config, "MANY"), SETTING_YES);
    kernel_config_free(config);
    assert_int_equal(truncate("big.config", KERNEL_CONFIG_LONGEST + 1), 0);
    assert_null(kernel_config_read("big.config", &err));
    assert_int_equal(err.errnum, EFBIG);
    assert_null(kernel_config_read("absent.config", &err));
    assert_int_equal(err.errnum, ENOENT);
    assert_null(kernel_config_read("/dev/zero", &err));
    assert_null(kernel_config_read(".", &err));
}

static void test_running(void **state)
{
    struct error err = {0};
    struct kernel_config *config = kernel_config_read(NULL, &err);

    (void)state;
    if (config == NULL) {
        assert_int_equal(err.code, ERROR_UNSUPPORTED);
        assert_non_null(strstr(err.remedy, "--kernel-config"));
        return;
    }
    assert_int_equal(err.code, ERROR_NONE);
    assert_int_equal(kernel_config_setting(config, "PROC_FS"), SETTING_YES);
    kernel_config_free(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),  cmocka_unit_test(test_head),
        cmocka_unit_test(test_gzip),   cmocka_unit_test(test_gzip_without_lines),
        cmocka_unit_test(test_bomb),   cmocka_unit_test(test_garbage),
        test_in_directory(test_sizes), cmocka_unit_test(test_running),
    };

    return cmocka_run_group_tests_name("kernel_config", tests, NULL, NULL);
}
