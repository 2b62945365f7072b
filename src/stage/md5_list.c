/* The list of MD5 sums that comes with a download: a CSV whose columns nobody has documented, so they are found by what
 * they hold, or the lines of md5sum. */
#include "files.h"
#include "maker.h"
#include "paths.h"
#include "table.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { DIGITS = 32 };

/* The inputs by the last part of their paths. */
typedef struct {
    const char *name;
    StageInput *input;
} Named;

typedef struct {
    const char *path; /* of the list */
    Named *named;     /* sorted by name */
    int64_t count;
    int64_t given; /* inputs that have a sum */
} List;

static bool is_sum(const char *text) {
    int digits = 0;
    while (isxdigit((unsigned char)text[digits]) && digits < DIGITS)
        digits++;
    return digits == DIGITS && !isxdigit((unsigned char)text[digits]);
}

static int by_name(const void *a, const void *b) {
    return strcmp(((const Named *)a)->name, ((const Named *)b)->name);
}

static const Named *first_named(const List *list, const char *name) {
    Named key = {name, NULL};
    const Named *found = bsearch(&key, list->named, (size_t)list->count, sizeof *list->named, by_name);
    while (found && found > list->named && strcmp(found[-1].name, name) == 0)
        found--;
    return found;
}

/* The input that `path` means: either ends in the other. NULL when there is none. */
static Status find_input(const List *list, int64_t line, const char *path, StageInput **input) {
    *input = NULL;
    path += strspn(path, "/");
    const char *name = path_name(path);
    const Named *found = first_named(list, name);
    for (; found && found < list->named + list->count && strcmp(found->name, name) == 0; found++) {
        if (!path_ends_in(path, found->input->path) && !path_ends_in(found->input->path, path))
            continue;
        /* The whole path of one may end in that of another: the longer one is meant. */
        if (*input && path_ends_in(path, found->input->path) && path_ends_in(path, (*input)->path)) {
            if (strlen(found->input->path) > strlen((*input)->path))
                *input = found->input;
            continue;
        }
        if (*input)
            return status_error(EXIT_DATA, "%s:%lld: %s may be %s or %s", list->path, (long long)line, path,
                                (*input)->path, found->input->path);
        *input = found->input;
    }
    return NULL;
}

static Status enter(List *list, int64_t line, const char *path, const char *sum) {
    StageInput *input;
    TRY(find_input(list, line, path, &input));
    if (!input)
        return NULL; /* of a file that is not wanted */
    char lower[DIGITS + 1] = "";
    for (int i = 0; i < DIGITS; i++)
        lower[i] = (char)tolower((unsigned char)sum[i]);
    if (*input->md5 && strcmp(input->md5, lower) != 0)
        return status_error(EXIT_DATA, "%s:%lld: a second, other sum for %s", list->path, (long long)line, input->path);
    list->given += !*input->md5;
    memcpy(input->md5, lower, sizeof lower);
    return NULL;
}

/* "SUM  PATH" or "SUM *PATH" */
static bool is_md5sum_line(const char *line) {
    return is_sum(line) && line[DIGITS] == ' ' && (line[DIGITS + 1] == ' ' || line[DIGITS + 1] == '*');
}

static Status read_md5sum(List *list, char *text) {
    int64_t number = 1;
    for (char *line = text, *next; line; line = next, number++) {
        next = strchr(line, '\n');
        if (next)
            *next++ = '\0';
        line[strcspn(line, "\r")] = '\0';
        if (!*line)
            continue;
        if (!is_md5sum_line(line))
            return status_error(EXIT_DATA, "%s:%lld: not a line of md5sum: 32 hexadecimal digits, two spaces, a path",
                                list->path, (long long)number);
        TRY(enter(list, number, line + DIGITS + 2, line));
    }
    return NULL;
}

/* The column that holds most sums, and the one that most often ends in the name of an input. */
static Status find_columns(const List *list, int *sums, int *paths) {
    Table table;
    TRY(table_open(list->path, &table));
    int64_t *counts = calloc(2 * (size_t)table.column_count, sizeof *counts);
    int64_t *names = counts ? counts + table.column_count : NULL;
    Status status = counts ? NULL : status_no_memory("counts", 0);
    for (bool more = true; !status && !(status = table_next(&table, &more)) && more;)
        for (int i = 0; i < table.column_count; i++) {
            counts[i] += is_sum(table.fields[i]) && !table.fields[i][DIGITS];
            names[i] += first_named(list, path_name(table.fields[i])) != NULL;
        }
    *sums = *paths = 0;
    for (int i = 1; !status && i < table.column_count; i++) {
        *sums = counts[i] > counts[*sums] ? i : *sums;
        *paths = names[i] > names[*paths] ? i : *paths;
    }
    if (!status && !counts[*sums])
        status = status_error(EXIT_DATA, "%s: no column holds MD5 sums (32 hexadecimal digits)", list->path);
    else if (!status && !names[*paths])
        status = status_error(EXIT_DATA, "%s: no column holds paths of files that are to be staged", list->path);
    free(counts);
    table_close(&table);
    return status;
}

static Status read_table(List *list) {
    int sums, paths;
    TRY(find_columns(list, &sums, &paths));
    Table table;
    TRY(table_open(list->path, &table));
    Status status = NULL;
    for (bool more = true; !status && !(status = table_next(&table, &more)) && more;) {
        const char *sum = table.fields[sums];
        if (is_sum(sum) && !sum[DIGITS])
            status = enter(list, table.line, table.fields[paths], sum);
        else if (*sum)
            status = table_error(&table, "\"%s\" is no MD5 sum", sum);
    }
    table_close(&table);
    return status;
}

static Status read_list(List *list, StageSource *source) {
    list->named = malloc((size_t)source->count * sizeof *list->named);
    if (!list->named)
        return status_no_memory("names", (size_t)source->count * sizeof *list->named);
    for (int64_t i = 0; i < source->count; i++)
        list->named[i] = (Named){path_name(source->inputs[i].path), &source->inputs[i]};
    list->count = source->count;
    qsort(list->named, (size_t)list->count, sizeof *list->named, by_name);
    char *text;
    size_t size;
    TRY(files_read(list->path, &text, &size));
    bool lines = is_md5sum_line(text);
    Status status = lines ? read_md5sum(list, text) : NULL;
    free(text);
    return status || lines ? status : read_table(list);
}

Status md5_list_read(const char *path, StageSource *source, FILE *notes) {
    List list = {.path = path};
    Status status = read_list(&list, source);
    free(list.named);
    if (!status)
        fprintf(notes, "MD5 sums: %lld of %lld files have one in %s.\n", (long long)list.given,
                (long long)source->count, path_name(path));
    return status;
}
