/* SPDX-License-Identifier: Apache-2.0 */
/* What made a run: the versions and the model of each kind of device. */
#include "tests/fixtures/train_fixture.h"

#include "device/open.h"
#include "train/run/provenance.h"

static const char *version(const Versions *versions, const char *name) {
    for (int i = 0; i < versions->count; i++)
        if (strcmp(versions->list[i].name, name) == 0)
            return versions->list[i].text;
    return NULL;
}

static void devices_report_their_versions(void **state) {
    (void)state;
    Versions cpu, emu;
    char model[128];
    provenance_versions(device_cpu(), &cpu);
    assert_non_null(version(&cpu, "compiler"));
    assert_int_equal(strlen(version(&cpu, "program")), 16);
    assert_null(version(&cpu, "kernels"));
    provenance_device(device_cpu(), model);
    assert_true(strlen(model) > 2 && !strchr(model, '\n') && model[0] != ' ');

    Device *device;
    char *note;
    Status status = device_open(DEVICE_EMU, &device, &note);
    if (status_code(status) == EXIT_MISSING) {
        print_message("# %s\n", status_message(status));
        status_free(status);
        skip();
    }
    assert_fine(status);
    provenance_versions(device, &emu);
    assert_string_equal(version(&emu, "cuda_runtime"), "13.0");
    assert_string_equal(version(&emu, "program"), version(&cpu, "program"));
    assert_string_not_equal(version(&emu, "kernels"), version(&emu, "program"));
    assert_null(version(&emu, "cudnn"));
    provenance_device(device, model);
    assert_string_equal(model, device->model);
    device_close(device);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(devices_report_their_versions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
