/*
 * Files of rows: what CSV and NDJSON may look like, and that a bad row costs nobody but itself.
 */
#include "import.h"

#include <stdlib.h>
#include <string.h>
#include <ulfius.h>

#include "buf.h"
#include "http.h"
#include "suite.h"
#include "text.h"

struct row {
    const char *sku;
    const char *title;
    int64_t on_hand;
    bool active;
};
static RECORD(row, FIELD(row, sku, .flags = FIELD_REQUIRED, .format = TEXT_TOKEN), FIELD(row, title, .max = 40),
              FIELD(row, on_hand, .flags = FIELD_REQUIRED, .least = 0, .most = 1000),
              FIELD(row, active, .flags = FIELD_DEFAULT, .fallback = 1));

static struct ctx ctx;
static struct request request;
static struct _u_map headers;
static struct _u_request ulfius;
static struct import import;
static struct import_report report;
static struct arena *kept;

static void setup(void)
{
    request = (struct request){.ulfius = &ulfius};
    kept = arena_new(4 << 20);
    ctx = (struct ctx){.arena = kept, .request = &request};
    ulfius = (struct _u_request){.map_header = &headers};
    report = (struct import_report){0};
    ck_assert_int_eq(u_map_init(&headers), U_OK);
}

static void teardown(void)
{
    ck_assert_int_eq(u_map_clean(&headers), U_OK);
    ck_assert_ptr_eq(ctx.arena, kept);
    arena_free(kept);
}

/* In memory of exactly its size, so that a sanitizer sees a step beyond. */
static enum err open_bytes(const char *type, const char *bytes, size_t size)
{
    char *body = malloc(size > 0 ? size : 1);

    memcpy(body, bytes, size);
    request.body = body;
    request.body_size = size;
    if (type != NULL)
        ck_assert_int_eq(u_map_put(&headers, "Content-Type", type), U_OK);
    return import_open(&ctx, &row_record, &report, &import);
}

/* Reads on until the end of the file, over all chunks. */
static bool next(struct row *row, int64_t *number)
{
    for (;;) {
        if (import.chunk != NULL && import_next(&import, row, number))
            return true;
        if (!import_next_chunk(&import))
            return false;
    }
}

/* Reads a file to its end: "1 CUP=5(Cup) 2 POT=0-; 3 title: is too long" (good rows, then the failures). */
static const char *read_file(const char *type, const char *text)
{
    struct buf told;
    struct row row;
    int64_t number;

    enum err err = open_bytes(type, text, strlen(text));
    buf_init(&told, kept, 1 << 16);
    if (err != ERR_NONE)
        return arena_printf(ctx.arena, "%s: %s", err_kind(err)->name, ctx.problem.detail);
    while (next(&row, &number)) {
        buf_printf(&told, "%s%d %s=%d", told.size > 0 ? " " : "", (int)number, row.sku, (int)row.on_hand);
        if (row.title != NULL)
            buf_printf(&told, "(%s)", row.title);
        if (!row.active)
            buf_add_char(&told, '-');
    }
    ck_assert_int_eq(report.failed, report.rows.count);
    for (size_t i = 0; i < report.rows.count; i++) {
        const struct import_failure *failure = &report.rows.items[i];
        buf_printf(&told, "; %d %s: %s", (int)failure->row, failure->field != NULL ? failure->field : "-",
                   failure->cause);
    }
    ck_assert_ptr_null(ctx.problem.detail);
    ck_assert_uint_eq(ctx.problem.error_count, 0);
    import_close(&import);
    free((char *)request.body);
    return told.size > 0 ? told.data : "";
}

/* clang-format off */
static const struct {
    const char *what;
    const char *text;
    const char *told;
} csv_files[] = {
    { "a plain file", "sku,on_hand\nCUP,5\nPOT,0\n", "1 CUP=5 2 POT=0" },
    { "any order of columns", "on_hand,active,sku\n5,false,CUP\n", "1 CUP=5-" },
    { "no line feed at the end", "sku,on_hand\nCUP,5", "1 CUP=5" },
    { "line ends of Windows", "sku,on_hand\r\nCUP,5\r\nPOT,6\r\n", "1 CUP=5 2 POT=6" },
    { "a byte order mark", "\xef\xbb\xbfsku,on_hand\nCUP,5\n", "1 CUP=5" },
    { "a heading alone", "sku,on_hand\n", "" },
    { "a heading without an end", "sku,on_hand", "" },
    { "empty lines are not counted", "sku,on_hand\n\nCUP,5\n\r\n,\n\nPOT,6\n\n", "1 CUP=5 2 POT=6" },
    { "quotes", "sku,on_hand,title\n\"CUP\",\"5\",\"Cup, blue\"\n", "1 CUP=5(Cup, blue)" },
    { "a quoted heading", "\"sku\",\"on_hand\"\nCUP,5\n", "1 CUP=5" },
    { "doubled quotes", "sku,on_hand,title\nCUP,5,\"the \"\"blue\"\" one\"\n", "1 CUP=5(the \"blue\" one)" },
    { "nothing but a doubled quote", "sku,on_hand,title\nCUP,5,\"\"\"\"\n", "1 CUP=5(\")" },
    { "a quoted nothing is absent", "sku,on_hand,title\nCUP,5,\"\"\n", "1 CUP=5" },
    { "a quoted line feed", "sku,on_hand,title\nCUP,5,\"two\nlines\"\nPOT,6,x\n",
      "1 CUP=5(two\nlines) 2 POT=6(x)" },
    { "a quoted line end of Windows", "sku,on_hand,title\r\nCUP,5,\"two\r\nlines\"\r\nPOT,6,x\r\n",
      "1 CUP=5(two\r\nlines) 2 POT=6(x)" },
    { "a quote inside of a value is itself", "sku,on_hand,title\nCUP,5,6\" pot\n", "1 CUP=5(6\" pot)" },
    { "a backslash is itself", "sku,on_hand,title\nCUP,5,a\\nb\n", "1 CUP=5(a\\nb)" },
    { "any language", "sku,on_hand,title\nCUP,5,\xc3\x84tna \xe2\x98\x95\n", "1 CUP=5(\xc3\x84tna \xe2\x98\x95)" },
    { "commas at the end", "sku,on_hand\nCUP,5,,\n", "1 CUP=5" },
    { "too few values", "sku,on_hand,title\nCUP,5\nPOT\n", "1 CUP=5; 2 on_hand: is required" },
    { "a column that is not there", "sku,title\nCUP,Cup\n", "; 1 on_hand: is required" },
    { "too many values", "sku,on_hand\nCUP,5,6\nPOT,6\n", "2 POT=6; 1 -: has more values than the heading has names" },
    { "a value that does not fit", "sku,on_hand\nCUP,5000\nPOT,-1\nCAN,6\n",
      "3 CAN=6; 1 on_hand: must be at most 1000; 2 on_hand: must be at least 0" },
    { "words for a number", "sku,on_hand\nCUP,five\nPOT,6.0\nCAN, 6\nLID,6\n",
      "4 LID=6; 1 on_hand: must be an integer; 2 on_hand: must be an integer; 3 on_hand: must be an integer" },
    { "a number for a text", "sku,on_hand,title\n123,5,456\n", "1 123=5(456)" },
    { "a word that JSON knows is a text", "sku,on_hand,title\ntrue,5,null\n", "1 true=5(null)" },
    { "yes is not true", "sku,on_hand,active\nCUP,5,yes\nPOT,6,true\n", "2 POT=6; 1 active: must be true or false" },
    { "a quote that is not closed", "sku,on_hand\nCUP,5\nPOT,\"6\nCAN,7\n", "1 CUP=5; 2 -: a quote is not closed" },
    { "a quote at the very end", "sku,on_hand\nCUP,\"", "; 1 -: a quote is not closed" },
    { "a column twice", "sku,on_hand,sku\nCUP,5,POT\n", "malformed: the heading names \"sku\" twice" },
    { "an unknown column", "sku,colour\nCUP,red\n", "malformed: the heading names \"colour\", which is not known here" },
    { "no heading", "", "malformed: the heading names \"\", which is not known here" },
    { "an empty first line", "\nsku,on_hand\n", "malformed: the heading names \"\", which is not known here" },
    { "an open heading", "sku,\"on_hand\n", "malformed: the heading cannot be read: a quote is not closed" },
    { "bytes that are no UTF-8", "sku,on_hand\nCUP\xff,5\n", "malformed: the file is not UTF-8" },
};

static const struct {
    const char *what;
    const char *text;
    const char *told;
} ndjson_files[] = {
    { "a plain file", "{\"sku\":\"CUP\",\"on_hand\":5}\n{\"sku\":\"POT\",\"on_hand\":0,\"active\":false}\n",
      "1 CUP=5 2 POT=0-" },
    { "no line feed at the end", "{\"sku\":\"CUP\",\"on_hand\":5}", "1 CUP=5" },
    { "line ends of Windows, empty lines", "\r\n{\"sku\":\"CUP\",\"on_hand\":5}\r\n  \n\n{\"sku\":\"POT\",\"on_hand\":6}\r\n",
      "1 CUP=5 2 POT=6" },
    { "a byte order mark", "\xef\xbb\xbf{\"sku\":\"CUP\",\"on_hand\":5}\n", "1 CUP=5" },
    { "an empty file", "", "" },
    { "a number is no text, a text no number", "{\"sku\":1,\"on_hand\":5}\n{\"sku\":\"POT\",\"on_hand\":\"6\"}\n",
      "; 1 sku: must be a string; 2 on_hand: must be an integer" },
    { "a member that nobody knows", "{\"sku\":\"CUP\",\"on_hand\":5,\"colour\":1}\n{\"sku\":\"POT\",\"on_hand\":6}\n",
      "2 POT=6; 1 colour: is not known here" },
};
/* clang-format on */

START_TEST(a_csv_file_is_read_row_by_row)
{
    const char *told = read_file("text/csv", csv_files[_i].text);

    ck_assert_msg(text_equal(told, csv_files[_i].told), "%s:\n    %s\nnot %s", csv_files[_i].what, told,
                  csv_files[_i].told);
}
END_TEST

START_TEST(an_ndjson_file_is_read_row_by_row)
{
    const char *told = read_file("application/x-ndjson", ndjson_files[_i].text);

    ck_assert_msg(text_equal(told, ndjson_files[_i].told), "%s:\n    %s\nnot %s", ndjson_files[_i].what, told,
                  ndjson_files[_i].told);
}
END_TEST

START_TEST(a_row_that_is_not_json_fails_alone)
{
    const char *told = read_file("application/x-ndjson", "{\"sku\":\n[1]\nnonsense\n{\"sku\":\"POT\",\"on_hand\":6}\n");

    ck_assert_msg(strncmp(told, "4 POT=6; 1 -: ", 14) == 0, "%s", told);
    ck_assert_int_eq(report.failed, 3);
}
END_TEST

/* clang-format off */
static const struct {
    const char *type;
    bool is_taken;
} types[] = {
    { "text/csv", true },
    { "text/csv; charset=utf-8", true },
    { "Text/CSV;charset=UTF-8", true },
    { "text/csv-schema", false },
    { "text/plain", false },
    { "application/json", false },
    { "application/x-ndjson+more", false },
    { "", false },
    { NULL, false },
};
/* clang-format on */

START_TEST(only_two_media_types_are_taken)
{
    const char text[] = "sku,on_hand\nCUP,5\n";

    enum err err = open_bytes(types[_i].type, text, strlen(text));

    ck_assert_int_eq(err, types[_i].is_taken ? ERR_NONE : ERR_MEDIA_TYPE);
    if (!types[_i].is_taken)
        ck_assert_str_eq(ctx.problem.detail, "an import is text/csv or application/x-ndjson");
    free((char *)request.body);
}
END_TEST

START_TEST(a_value_that_is_too_long_fails_its_row_and_no_other)
{
    struct buf text;
    buf_init(&text, kept, 1 << 20);
    buf_add_text(&text, "sku,title,on_hand\nCUP,");
    for (int i = 0; i < 70000; i++)
        buf_add_char(&text, 'x');
    buf_add_text(&text, ",5\nPOT,Pot,6\n");

    ck_assert_str_eq(read_file("text/csv", text.data), "2 POT=6(Pot); 1 -: a value is too long");
}
END_TEST

START_TEST(a_row_that_is_too_long_fails_alone)
{
    struct buf text;
    buf_init(&text, kept, 1 << 20);
    buf_add_text(&text, "{\"sku\":\"CUP\",\"on_hand\":5,\"title\":\"");
    for (int i = 0; i < 70000; i++)
        buf_add_char(&text, 'x');
    buf_add_text(&text, "\"}\n{\"sku\":\"POT\",\"on_hand\":6}\n");

    ck_assert_str_eq(read_file("application/x-ndjson", text.data), "2 POT=6; 1 -: is too long");
}
END_TEST

START_TEST(a_heading_has_a_limit)
{
    struct buf text;
    buf_init(&text, kept, 4096);
    for (int i = 0; i < IMPORT_COLUMNS_MAX + 1; i++)
        buf_add_text(&text, "sku,");

    ck_assert_int_eq(open_bytes("text/csv", text.data, text.size), ERR_MALFORMED);
    free((char *)request.body);
}
END_TEST

START_TEST(more_failures_than_500_are_counted_but_not_listed)
{
    struct row row;
    int64_t number;
    struct buf text;
    buf_init(&text, kept, 1 << 20);
    buf_add_text(&text, "sku,on_hand\n");
    for (int i = 0; i < 700; i++)
        buf_add_text(&text, "CUP,x\n");
    buf_add_text(&text, "POT,6\n");
    ck_assert_int_eq(open_bytes("text/csv", text.data, text.size), ERR_NONE);

    ck_assert(next(&row, &number));
    ck_assert_int_eq(number, 701);
    import_fail(&import, number, "sku", "is somebody else's");
    ck_assert(!next(&row, &number));
    import_close(&import);

    ck_assert_int_eq(report.failed, 701);
    ck_assert_uint_eq(report.rows.count, IMPORT_FAILURES_MAX);
    ck_assert_int_eq(report.rows.items[IMPORT_FAILURES_MAX - 1].row, 500);
    free((char *)request.body);
}
END_TEST

START_TEST(what_a_row_leaves_out_does_not_come_from_the_one_before)
{
    ck_assert_str_eq(read_file("text/csv", "sku,on_hand,title,active\nCUP,5,Cup,false\nPOT,6\n"),
                     "1 CUP=5(Cup)- 2 POT=6");
}
END_TEST

/* Else a large file of many rows would end the process: a request's arena has a limit. */
START_TEST(a_file_of_any_length_fits_because_it_is_read_in_chunks)
{
    const size_t rows = 200000;
    struct arena *arena = arena_new(16 << 20);
    struct buf text;
    struct row row;
    int64_t number = 0;
    int64_t sum = 0;
    int chunks = 0;

    buf_init(&text, arena, 4 << 20);
    buf_add_text(&text, "sku,on_hand\n");
    for (size_t i = 0; i < rows; i++)
        buf_add_text(&text, i % 1000 == 0 ? "CUP,bad\n" : "CUP,1\n");
    ck_assert_int_eq(open_bytes("text/csv", text.data, text.size), ERR_NONE);
    arena_free(arena);
    const size_t before = arena_used(kept);
    while (import_next_chunk(&import)) {
        chunks++;
        while (import_next(&import, &row, &number)) {
            ck_assert_str_eq(row.sku, "CUP");
            sum += row.on_hand;
        }
    }
    import_close(&import);

    ck_assert_int_gt(chunks, 1);
    ck_assert_int_eq(number, rows);
    ck_assert_int_eq(sum, rows - rows / 1000);
    ck_assert_int_eq(report.failed, rows / 1000);
    ck_assert_str_eq(report.rows.items[199].cause, "must be an integer");
    ck_assert_uint_lt(arena_used(kept) - before, 64 * 1024);
    free((char *)request.body);
}
END_TEST

START_TEST(what_went_wrong_in_a_chunk_is_still_there_after_it)
{
    const char text[] = "sku,on_hand\nCUP,5\n";
    ck_assert_int_eq(open_bytes("text/csv", text, strlen(text)), ERR_NONE);
    ck_assert(import_next_chunk(&import));
    ck_assert_ptr_ne(ctx.arena, kept);

    (void)FAIL(&ctx, BUSY, "the %s is away", "database");
    (void)err_field(&ctx, "sku", "is %s", "odd");
    import_close(&import);

    ck_assert_str_eq(ctx.problem.errors[0].message, "is odd");
    ck_assert_ptr_eq(ctx.arena, kept);
    free((char *)request.body);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, setup, teardown);
    ADD_TABLE_TEST(tests, a_csv_file_is_read_row_by_row, csv_files);
    ADD_TABLE_TEST(tests, an_ndjson_file_is_read_row_by_row, ndjson_files);
    tcase_add_test(tests, a_row_that_is_not_json_fails_alone);
    ADD_TABLE_TEST(tests, only_two_media_types_are_taken, types);
    tcase_add_test(tests, a_value_that_is_too_long_fails_its_row_and_no_other);
    tcase_add_test(tests, a_row_that_is_too_long_fails_alone);
    tcase_add_test(tests, a_heading_has_a_limit);
    tcase_add_test(tests, more_failures_than_500_are_counted_but_not_listed);
    tcase_add_test(tests, a_file_of_any_length_fits_because_it_is_read_in_chunks);
    tcase_add_test(tests, what_went_wrong_in_a_chunk_is_still_there_after_it);
    tcase_add_test(tests, what_a_row_leaves_out_does_not_come_from_the_one_before);
}

RUN_SUITE(import, add_tests)
