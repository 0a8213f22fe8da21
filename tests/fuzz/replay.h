/*
 * replay - gives a fuzzer's function the files below seeds/NAME, so that `make check` replays what fuzzing once found.
 *
 * Included behind the fuzzer's own .c file by a test in tests/unit/fuzz.
 */
#ifndef WAYBILL_REPLAY_H
#define WAYBILL_REPLAY_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "suite.h"

/* One input, in memory of exactly its size, so that a sanitizer sees a step beyond. */
UNUSED static void replay(const void *bytes, size_t size)
{
    uint8_t *exact = malloc(size > 0 ? size : 1);

    ck_assert_ptr_nonnull(exact);
    if (size > 0)
        memcpy(exact, bytes, size);
    ck_assert_int_eq(LLVMFuzzerTestOneInput(exact, size), 0);
    free(exact);
}

/* All files of tests/fuzz/seeds/NAME. Tests run in the root of the tree. There must be one. */
UNUSED static void replay_seeds(const char *name)
{
    static char bytes[1 << 20];
    char path[512];
    int count = 0;

    (void)snprintf(path, sizeof(path), "tests/fuzz/seeds/%s", name);
    DIR *folder = opendir(path);
    ck_assert_msg(folder != NULL, "no %s", path);
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        if (entry->d_name[0] == '.')
            continue;
        (void)snprintf(path, sizeof(path), "tests/fuzz/seeds/%s/%s", name, entry->d_name);
        FILE *file = fopen(path, "rb");
        ck_assert_msg(file != NULL, "no %s", path);
        size_t size = fread(bytes, 1, sizeof(bytes), file);
        fclose(file);
        replay(bytes, size);
        count++;
    }
    closedir(folder);
    ck_assert_int_gt(count, 0);
}

#endif
