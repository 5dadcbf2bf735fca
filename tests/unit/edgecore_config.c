/* SPDX-License-Identifier: Apache-2.0 */
/* edgecore.yaml for each form of configuration that its versions have had, byte for byte; and which version a program is. */
#include "edge/edgecore_config.h"

#include <sys/stat.h>

#include "base/file.h"
#include "base/util.h"
#include "edge/edgecore_file.h"
#include "edge/edgecore_look.h"
#include "edge/edgecore_version.h"
#include "test.h"

#define TOKEN "5ca1ab1e.eyJh.eyJi.c2ln"

#define HEAD                                                                                                           \
    "# Written by edgeinit from the \"edge\" section of its manifest. What is changed here does not last: it is put\n" \
    "# aside as FILE.edited at the next start. Keys of your own belong into \"merge\" of that section.\n"
#define HUB                                             \
    "  edgeHub:\n"                                      \
    "    enable: true\n"                                \
    "    httpServer: https:"                            \
    "//10.0.0.5:10002\n"                                \
    "    websocket:\n"                                  \
    "      enable: true\n"                              \
    "      server: \"10.0.0.5:10000\"\n"                \
    "    quic:\n"                                       \
    "      enable: false\n"                             \
    "    tlsCaFile: /etc/kubeedge/ca/rootCA.crt\n"      \
    "    tlsCertFile: /etc/kubeedge/certs/server.crt\n" \
    "    tlsPrivateKeyFile: /etc/kubeedge/certs/server.key\n"
#define TAIL              \
    "  eventBus:\n"       \
    "    enable: false\n" \
    "  metaManager:\n"    \
    "    enable: true\n"  \
    "    metaServer:\n"   \
    "      enable: true\n"
#define DATABASE "database:\n  dataSource: /var/lib/kubeedge/edgecore.db\nmodules:\n"
#define V1(kind) "apiVersion: edgecore.config.kubeedge.io/v1alpha" kind "\nkind: EdgeCore\n"

static const struct edge_config least = {
    .present = true, .cloud = "10.0.0.5", .websocket_port = 10000, .https_port = 10002, .metrics = true};

static struct edgecore_facts facts_of(const char *version)
{
    struct edgecore_facts facts = {.node = "edge-07", .cgroup_driver = "cgroupfs", .metrics = true};

    assert_true(edgecore_version_parse(version, &facts.version));
    return facts;
}

static char *text_of(const struct edge_config *edge, const struct edgecore_facts *facts)
{
    CLEANUP_JSON cJSON *config = edgecore_config_make(edge, facts);
    struct text text = {0};

    edgecore_config_write(config, &text);
    return text_take(&text);
}

static void check(const struct edge_config *edge, const struct edgecore_facts *facts, const char *wanted)
{
    CLEANUP_FREE char *text = text_of(edge, facts);

    assert_string_equal(text, wanted);
    assert_true(edgecore_config_is_ours(text));
}

/* Every form, with the least that a manifest can say. */
static void forms(void **state)
{
    static const struct {
        const char *first; /* versions of this form: the first, the last */
        const char *last;
        const char *text;
    } rows[] = {
        {"v1.9.1", "v1.11.2",
         HEAD V1("1") DATABASE HUB
         "    token: \"\"\n"
         "  edged:\n    enable: true\n    hostnameOverride: edge-07\n    enableMetrics: true\n"
         "    cgroupDriver: cgroupfs\n    runtimeType: docker\n"
         "    dockerAddress: unix:///var/run/docker.sock\n" TAIL},
        {"v1.12.0", "v1.13.5",
         HEAD V1("2") DATABASE HUB "    token: \"\"\n"
                                   "  edged:\n    enable: true\n    hostnameOverride: edge-07\n"
                                   "    tailoredKubeletConfig:\n      cgroupDriver: cgroupfs\n"
                                   "    rootDirectory: /var/lib/edged\n    containerRuntime: docker\n"
                                   "    dockerEndpoint: unix:///var/run/docker.sock\n"
                                   "    remoteRuntimeEndpoint: unix:///var/run/dockershim.sock\n"
                                   "    remoteImageEndpoint: unix:///var/run/dockershim.sock\n" TAIL},
        {"v1.14.0", "v1.15.4",
         HEAD V1("2") DATABASE HUB "    token: \"\"\n"
                                   "  edged:\n    enable: true\n    hostnameOverride: edge-07\n"
                                   "    tailoredKubeletConfig:\n      cgroupDriver: cgroupfs\n"
                                   "    rootDirectory: /var/lib/edged\n    containerRuntime: remote\n"
                                   "    remoteRuntimeEndpoint: unix:///run/containerd/containerd.sock\n"
                                   "    remoteImageEndpoint: unix:///run/containerd/containerd.sock\n" TAIL},
        {"v1.16.0", "v1.20.0",
         HEAD V1("2") DATABASE HUB "    token: \"\"\n"
                                   "  edged:\n    enable: true\n    hostnameOverride: edge-07\n"
                                   "    tailoredKubeletConfig:\n      cgroupDriver: cgroupfs\n"
                                   "      containerRuntimeEndpoint: unix:///run/containerd/containerd.sock\n"
                                   "    rootDirectory: /var/lib/edged\n" TAIL},
        {"v1.23.1", "v1.23.1",
         HEAD V1("2") "edgecoreVersion: v1.23.1\n" DATABASE HUB "    token: \"\"\n"
                      "  edged:\n    enable: true\n    hostnameOverride: edge-07\n"
                      "    tailoredKubeletConfig:\n      cgroupDriver: cgroupfs\n"
                      "      containerRuntimeEndpoint: unix:///run/containerd/containerd.sock\n"
                      "    rootDirectory: /var/lib/edged\n" TAIL},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct edgecore_facts facts = facts_of(rows[i].first);

        check(&least, &facts, rows[i].text);
        facts = facts_of(rows[i].last);
        check(&least, &facts, rows[i].text);
    }
}

/* What "merge" touches comes after what it leaves alone. */
static void everything(void **state)
{
    CLEANUP_JSON cJSON *labels = cJSON_Parse("{\"site\": \"hall-2\", \"empty\": \"\"}");
    CLEANUP_JSON cJSON *merge =
        cJSON_Parse("{\"modules\": {\"edged\": {\"clusterDNS\": \"10.96.0.10\", \"enableMetrics\": null},"
                    " \"deviceTwin\": {\"enable\": false}}}");
    struct edge_config edge = least;
    struct edgecore_facts facts = facts_of("1.9");

    (void)state;
    edge.cloud = "2001:db8::5";
    edge.websocket_port = 1;
    edge.https_port = 2;
    edge.interface = "wlan0";
    edge.labels = labels;
    edge.metrics = false;
    edge.mqtt = "tcp://127.0.0.1:1883";
    edge.merge = merge;
    facts.token = TOKEN;
    facts.address = "10.9.9.9"; /* an interface is named, so it does not count */
    facts.cgroup_driver = "systemd";
    check(&edge, &facts,
          HEAD V1("1") DATABASE
          "  edgeHub:\n    enable: true\n    httpServer: \"https:"
          "//[2001:db8::5]:2\"\n"
          "    websocket:\n      enable: true\n      server: \"[2001:db8::5]:1\"\n"
          "    quic:\n      enable: false\n    tlsCaFile: /etc/kubeedge/ca/rootCA.crt\n"
          "    tlsCertFile: /etc/kubeedge/certs/server.crt\n"
          "    tlsPrivateKeyFile: /etc/kubeedge/certs/server.key\n    token: \"" TOKEN "\"\n"
          "  eventBus:\n    enable: true\n    mqttMode: 2\n"
          "    mqttServerExternal: tcp:"
          "//127.0.0.1:1883\n"
          "  metaManager:\n    enable: true\n    metaServer:\n      enable: true\n"
          "  edged:\n    enable: true\n    hostnameOverride: edge-07\n    customInterfaceName: wlan0\n"
          "    labels:\n      site: hall-2\n      empty: \"\"\n    cgroupDriver: systemd\n"
          "    runtimeType: docker\n    dockerAddress: unix:///var/run/docker.sock\n"
          "    clusterDNS: \"10.96.0.10\"\n"
          "  deviceTwin:\n    enable: false\n");
}

static void addresses_and_metrics(void **state)
{
    struct edge_config edge = least;
    struct edgecore_facts facts = facts_of("1.9");
    cJSON *config;

    (void)state;
    facts.address = "10.9.9.9";
    facts.metrics = false; /* nothing makes memory.stat readable */
    config = edgecore_config_make(&edge, &facts);
    assert_string_equal(edgecore_config_string(config, "modules.edged.nodeIP", ""), "10.9.9.9");
    assert_true(cJSON_IsFalse(
        cJSON_GetObjectItem(cJSON_GetObjectItem(cJSON_GetObjectItem(config, "modules"), "edged"), "enableMetrics")));
    cJSON_Delete(config);
    edge.address = "10.1.1.1";
    config = edgecore_config_make(&edge, &facts);
    assert_string_equal(edgecore_config_string(config, "modules.edged.nodeIP", ""), "10.1.1.1");
    assert_string_equal(edgecore_config_string(config, "modules.nothing.there", "x"), "x");
    cJSON_Delete(config);
    assert_true(edgecore_knows_metrics(&(struct edgecore_version){11, ""}));
    assert_false(edgecore_knows_metrics(&(struct edgecore_version){12, ""}));
    assert_true(edgecore_uses_docker(&(struct edgecore_version){13, ""}));
    assert_false(edgecore_uses_docker(&(struct edgecore_version){14, ""}));
}

static void versions(void **state)
{
    static const struct {
        const char *text;
        unsigned minor;
        const char *exact;
    } rows[] = {
        {"KubeEdge v1.9.1", 9, "v1.9.1"},
        {"KubeEdge v1.12.0-beta.0.12+3f2a9c-dirty\n", 12, "v1.12.0-beta.0.12+3f2a9c-dirty"},
        {"1.9", 9, ""},
        {"v1.18.0", 18, "v1.18.0"},
        {"1.18.0", 18, "v1.18.0"},
        {"go1.16 v1.10.3", 10, "v1.10.3"},
    };
    static const char *const none[] = {"",   "KubeEdge v0.0.0-master+$Format:%h$", "v2.0.0", "v1.x", "go1.16", "11.9",
                                       "v1."};
    struct edgecore_version version;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        assert_true(edgecore_version_parse(rows[i].text, &version));
        assert_int_equal(version.minor, rows[i].minor);
        assert_string_equal(version.exact, rows[i].exact);
    }
    for (size_t i = 0; i < ARRAY_SIZE(none); i++) {
        if (edgecore_version_parse(none[i], &version)) {
            fail_msg("\"%s\" is a version", none[i]);
        }
    }
}

/* A program of `size` bytes with the text at `at`. */
static void make_program(const char *name, size_t size, size_t at, const char *text)
{
    CLEANUP_FREE char *bytes = xcalloc(1, size + 1);
    FILE *file = fopen(name, "w");

    memset(bytes, 'x', size);
    for (size_t i = 0; text[i] != '\0'; i++) {
        bytes[at + i] = text[i];
    }
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    fclose(file);
}

static void check_program(const char *text, unsigned minor, const char *exact)
{
    static const size_t places[] = {0,       (1 << 20) - 100, (1 << 20) - 20, (1 << 20) - 1,
                                    1 << 20, (2 << 20) - 60,  (3 << 20) - 128};
    struct edgecore_version version;
    struct error err = {0};

    for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
        make_program("program", 3 << 20, places[i], text);
        assert_int_equal(edgecore_version_find("program", NULL, "/bin", NULL, &version, &err), 0);
        assert_int_equal(version.minor, minor);
        assert_string_equal(version.exact, exact);
    }
}

static void programs(void **state)
{
    struct edgecore_version version;
    struct error err = {0};

    (void)state;
    check_program("-X github.com/kubeedge/kubeedge/pkg/version.gitVersion=v1.18.0 -X x", 18, "v1.18.0");
    check_program("'kubeedge/pkg/version.gitVersion=v1.9.1'", 9, "v1.9.1");
    check_program("json:\"tailoredKubeletConfig\"", 14, "");
    check_program("json:\"tailoredKubeletConfig\"json:\"dockershimRootDirectory,omitempty\"", 12, "");
    check_program("json:\"containerRuntimeEndpoint\" json:\"tailoredKubeletConfig\"", 16, "");

    make_program("script", 60, 0, "#!/bin/sh\necho starting\necho KubeEdge v1.9.1 # ");
    assert_int_equal(chmod("script", 0755), 0);
    assert_int_equal(edgecore_version_find("script", NULL, "/usr/bin:/bin", ".", &version, &err), 0);
    assert_string_equal(version.exact, "v1.9.1");
    /* It is remembered: the next answer does not execute it, which would fail now. */
    assert_int_equal(chmod("script", 0644), 0);
    assert_int_equal(edgecore_version_find("script", NULL, "/usr/bin:/bin", ".", &version, &err), 0);
    assert_string_equal(version.exact, "v1.9.1");
    /* Another program: no longer. */
    make_program("script", 61, 0, "#!/bin/sh\necho nothing # ");
    assert_int_equal(edgecore_version_find("script", NULL, "/usr/bin:/bin", ".", &version, &err), -1);
    assert_int_equal(chmod("script", 0755), 0);
    assert_int_equal(edgecore_version_find("script", NULL, "/usr/bin:/bin", ".", &version, &err), -1);
    assert_non_null(strstr(err.what, "--version ends with 0, \"nothing\""));
    assert_non_null(strstr(err.remedy, "\"version\""));
    /* What the manifest says counts without a look. */
    assert_int_equal(edgecore_version_find("no/such", "v1.12", "/bin", ".", &version, &err), 0);
    assert_int_equal(version.minor, 12);
    make_program("hangs", 60, 0, "#!/bin/sh\nexec sleep 1000 # ");
    assert_int_equal(chmod("hangs", 0755), 0);
    assert_int_equal(edgecore_version_find("hangs", NULL, "/usr/bin:/bin", ".", &version, &err), -1);
    assert_int_equal(err.code, ERROR_TIMEOUT);
}

static void routes(void **state)
{
    static const char head[] = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n";
    CLEANUP_FREE char *some = xasprintf("%seth0\t0001A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n", head);
    CLEANUP_FREE char *default_route =
        xasprintf("%swlan0\t00000000\t0101A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n", some);
    CLEANUP_FREE char *down = xasprintf("%swlan0\t00000000\t0101A8C0\t0002\t0\t0\t0\t00000000\t0\t0\t0\n", some);

    (void)state;
    assert_false(edgecore_sees_route(head));
    assert_false(edgecore_sees_route(some));
    assert_true(edgecore_sees_route(default_route));
    assert_false(edgecore_sees_route(down));
    assert_false(edgecore_sees_route(""));
}

static char *read_file(const char *path)
{
    struct error err = {0};
    char *data = NULL;
    size_t length = 0;

    return file_read(path, 65536, &data, &length, &err) == 0 ? data : NULL;
}

static void write_text(const char *path, const char *text, mode_t mode)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    assert_int_equal(chmod(path, mode), 0);
}

static void check_file(const char *path, const char *text)
{
    CLEANUP_FREE char *found = read_file(path);
    struct stat status;

    assert_non_null(found);
    assert_string_equal(found, text);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
}

/* Who wrote the file, and what becomes of it. */
static void files(void **state)
{
    CLEANUP_FREE char *path = xasprintf("%s/new/edgecore.yaml", (const char *)*state);
    CLEANUP_FREE char *edited = xasprintf("%s.edited", path);
    struct text one = {"one\n", 4, 5};
    struct text two = {"two\n", 4, 5};
    struct error err = {0};

    assert_int_equal(edgecore_file_write(path, &one, *state, &err), 0);
    check_file(path, "one\n");
    /* The manifest changed: ours, replaced. */
    assert_int_equal(edgecore_file_write(path, &two, *state, &err), 0);
    check_file(path, "two\n");
    assert_int_equal(access(edited, F_OK), -1);
    /* Torn to nothing: nothing is kept. */
    write_text(path, "", 0600);
    assert_int_equal(edgecore_file_write(path, &two, *state, &err), 0);
    check_file(path, "two\n");
    assert_int_equal(access(edited, F_OK), -1);
    /* A person changed it: kept, without the token. */
    write_text(path, "mine:\n  token: 5ca1ab1e5ca1ab1e.eyJhbGciOiJIUzI1NiJ9.eyJleHAiOjF9.c2lnbmF0dXJl\n  more: 1\n",
               0644);
    assert_int_equal(edgecore_file_write(path, &two, *state, &err), 0);
    check_file(path, "two\n");
    check_file(edited, "mine:\n  token: [token]\n  more: 1\n");
    assert_int_equal(unlink(edited), 0);
    /* edgecore wrote it: not kept. */
    write_text(path, "apiVersion: edgecore.config.kubeedge.io/v1alpha2\ndatabase:\n  x: y\nmodules:\n  z: 1\n", 0640);
    assert_int_equal(edgecore_file_write(path, &two, *state, &err), 0);
    check_file(path, "two\n");
    assert_int_equal(access(edited, F_OK), -1);
    /* Too open. */
    assert_int_equal(chmod(path, 0644), 0);
    assert_int_equal(edgecore_file_write(path, &two, *state, &err), 0);
    check_file(path, "two\n");
    assert_int_equal(access(edited, F_OK), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forms),    cmocka_unit_test(everything), cmocka_unit_test(addresses_and_metrics),
        cmocka_unit_test(versions), test_in_directory(programs),  cmocka_unit_test(routes),
        test_in_directory(files),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
