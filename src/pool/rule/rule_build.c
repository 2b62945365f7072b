/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/rule/rule_build.h"
#include "base/config.h"
#include "base/nearest.h"
#include "pool/rule/rule_names.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static const char BLANKS[] = " \t,";

typedef struct {
    const RuleConfig *config;
    const char *text, *path;
    FILE *warnings;
    Rule *rule;
    int lane_lines[POOL_LANES];
} Builder;

/* EXIT_DATA "PATH:LINE: SECTION.KEY: ..."; an empty key is that of the section as a whole, line 0 is not given. */
static Status fault(const Builder *builder, int line, const char *section, const char *key, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
static Status fault(const Builder *builder, int line, const char *section, const char *key, const char *format, ...) {
    char number[16] = "", what[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    if (line)
        snprintf(number, sizeof number, ":%d", line);
    return status_error(EXIT_DATA, "%s%s: %s%s%s: %s", builder->path, number, section, *key ? "." : "", key, what);
}

static int line_of(const Builder *builder, const char *section, const char *key) {
    return config_line(builder->text, section, key);
}

/* The value of a key of any name: these have no lists. */
static const char *entry_text(const ConfigEntry *entry) {
    return entry->list.values[0].text;
}

/* The next word of *text, cut out of it; NULL: none is left. */
static char *next_word(char **text) {
    char *word = *text + strspn(*text, BLANKS);
    if (!*word)
        return NULL;
    char *end = word + strcspn(word, BLANKS);
    *text = *end ? end + 1 : end;
    *end = '\0';
    return word;
}

static Status build_node(const Builder *builder) {
    Rule *rule = builder->rule;
    const RuleConfig *config = builder->config;
    if (!*config->node.name)
        rule_name_machine(rule->node);
    else if (!rule_name_is_plain(config->node.name))
        return fault(builder, line_of(builder, "node", "name"), "node", "name",
                     "a name has up to %d letters, digits and . _ - + @", POOL_NAME - 1);
    else
        snprintf(rule->node, sizeof rule->node, "%.63s", config->node.name);
    if (*config->node.loan) {
        const char *why = rule_read_loan(config->node.loan, &rule->loan_from, &rule->loan_to);
        if (why)
            return fault(builder, line_of(builder, "node", "loan"), "node", "loan", "%.60s: %s", config->node.loan,
                         why);
    }
    if (config->node.warn_celsius > config->node.stop_celsius) {
        const int line = line_of(builder, "node", "warn_celsius");
        return fault(builder, line ? line : line_of(builder, "node", "stop_celsius"), "node", "warn_celsius",
                     "%g is above stop_celsius, %g: a warning comes before the stop", config->node.warn_celsius,
                     config->node.stop_celsius);
    }
    rule->look_every = config->node.look_every;
    rule->look_gap = config->node.look_gap;
    rule->grace = config->node.grace;
    rule->stall = config->node.stall;
    rule->warn_celsius = config->node.warn_celsius;
    rule->stop_celsius = config->node.stop_celsius;
    rule->host_free = config->node.host_free;
    snprintf(rule->notify, sizeof rule->notify, "%s", config->node.notify);
    return NULL;
}

/* --- GPUs --------------------------------------------------------------------------------------------------------- */

static int compare_gpus(const void *a, const void *b) {
    return ((const RuleGpu *)a)->number - ((const RuleGpu *)b)->number;
}

static Status build_gpu(const Builder *builder, const ConfigEntry *entry) {
    Rule *rule = builder->rule;
    const char *id = entry_text(entry);
    const int number = rule_read_number(entry->name);
    const GpuIdKind kind = rule_id_kind(id);
    if (number < 0)
        return fault(builder, entry->line, "gpus", entry->name, "a GPU's key is its number, 0 to 9999");
    if (rule->gpu_count == POOL_GPUS)
        return fault(builder, entry->line, "gpus", entry->name, "a rule has at most %d GPUs", POOL_GPUS);
    if (kind == GPU_ID_NONE)
        return fault(builder, entry->line, "gpus", entry->name,
                     "%.60s is neither a UUID (GPU-..., see nvidia-smi -L) nor a PCI address (0000:3b:00.0) nor cpu",
                     id);
    for (int i = 0; i < rule->gpu_count; i++) {
        const RuleGpu *other = &rule->gpus[i];
        if (other->number == number)
            return fault(builder, entry->line, "gpus", entry->name, "GPU %d is on line %d already; keep one", number,
                         other->line);
        if (!other->cpu && rule_same_id(other->id, id))
            return fault(builder, entry->line, "gpus", entry->name, "%s is GPU %d already, on line %d; keep one", id,
                         other->number, other->line);
    }
    if (kind == GPU_ID_INDEX && builder->warnings)
        fprintf(builder->warnings,
                "warning: %s:%d: gpus.%s = %s: an index can name another GPU after a restart; give its UUID, which "
                "nvidia-smi -L prints\n",
                builder->path, entry->line, entry->name, id);
    RuleGpu *gpu = &rule->gpus[rule->gpu_count++];
    *gpu = (RuleGpu){.number = number, .cpu = kind == GPU_ID_CPU, .lane = -1, .line = entry->line};
    snprintf(gpu->id, sizeof gpu->id, "%s", gpu->cpu ? "" : id);
    return NULL;
}

static Status build_gpus(const Builder *builder) {
    const ConfigEntries *entries = &builder->config->gpus;
    if (!entries->count)
        return fault(builder, 0, "gpus", "", "the section lists no GPU; give each a line such as 0 = GPU-..., or cpu");
    for (int i = 0; i < entries->count; i++)
        TRY(build_gpu(builder, &entries->entries[i]));
    qsort(builder->rule->gpus, (size_t)builder->rule->gpu_count, sizeof *builder->rule->gpus, compare_gpus);
    return NULL;
}

/* --- Lanes -------------------------------------------------------------------------------------------------------- */

static Status read_kind(const Builder *builder, const ConfigEntry *entry, const char *word, LaneKind *kind) {
    int nearest = 0;
    for (int i = 0; i < LANE_KINDS; i++) {
        if (strcmp(word, lane_kind_name((LaneKind)i)) == 0) {
            *kind = (LaneKind)i;
            return NULL;
        }
        if (nearest_edits(word, lane_kind_name((LaneKind)i)) < nearest_edits(word, lane_kind_name((LaneKind)nearest)))
            nearest = i;
    }
    return fault(builder, entry->line, "lanes", entry->name,
                 "there is no kind %.40s; the nearest is %s (pool GPUS | owner GPUS USER | service GPUS)", word,
                 lane_kind_name((LaneKind)nearest));
}

static Status put_gpus(const Builder *builder, const ConfigEntry *entry, int lane, const int *numbers, int count) {
    Rule *rule = builder->rule;
    if (!count)
        return fault(builder, entry->line, "lanes", entry->name,
                     "the lane has no GPUs; give numbers of [gpus], as 2-7");
    for (int i = 0; i < count; i++) {
        const int index = rule_gpu(rule, numbers[i]);
        if (index < 0)
            return fault(builder, entry->line, "lanes", entry->name, "[gpus] has no GPU %d", numbers[i]);
        RuleGpu *gpu = &rule->gpus[index];
        if (gpu->lane >= 0)
            return fault(builder, entry->line, "lanes", entry->name, "GPU %d is in lane %s already, on line %d",
                         numbers[i], rule->lanes[gpu->lane].name, builder->lane_lines[gpu->lane]);
        gpu->lane = lane;
    }
    return NULL;
}

/* `text` is cut up: "KIND GPUS", and for an owner's lane the user. */
static Status build_lane(Builder *builder, const ConfigEntry *entry, char *text) {
    Rule *rule = builder->rule;
    Lane *lane = &rule->lanes[rule->lane_count];
    int numbers[POOL_GPUS], count = 0;
    const char *owner = NULL, *word = next_word(&text);
    TRY(read_kind(builder, entry, word ? word : "", &lane->kind));
    while ((word = next_word(&text))) {
        const bool user = lane->kind == LANE_OWNER && !(*word >= '0' && *word <= '9');
        const char *why = user ? NULL : rule_read_range(word, numbers, &count);
        if (why)
            return fault(builder, entry->line, "lanes", entry->name, "%.40s: %s", word, why);
        if (user && (owner || !rule_name_is_plain(word)))
            return fault(builder, entry->line, "lanes", entry->name,
                         "%.40s: a lane of the kind owner has one user: owner GPUS USER", word);
        owner = user ? word : owner;
    }
    if (lane->kind == LANE_OWNER && !owner)
        return fault(builder, entry->line, "lanes", entry->name, "the owner is missing: owner GPUS USER");
    snprintf(lane->owner, sizeof lane->owner, "%s", owner ? owner : "");
    snprintf(lane->name, sizeof lane->name, "%s", entry->name);
    builder->lane_lines[rule->lane_count++] = entry->line;
    return put_gpus(builder, entry, rule->lane_count - 1, numbers, count);
}

static Status build_lanes(Builder *builder) {
    const ConfigEntries *entries = &builder->config->lanes;
    Rule *rule = builder->rule;
    if (!entries->count)
        return fault(builder, 0, "lanes", "", "the section has no lane; give one, such as pool = pool 2-7");
    for (int i = 0; i < entries->count; i++) {
        const ConfigEntry *entry = &entries->entries[i];
        if (i == POOL_LANES)
            return fault(builder, entry->line, "lanes", entry->name, "a rule has at most %d lanes", POOL_LANES);
        if (!rule_name_is_plain(entry->name))
            return fault(builder, entry->line, "lanes", entry->name,
                         "a name has up to %d letters, digits and . _ - + @", POOL_NAME - 1);
        char *text = strdup(entry_text(entry));
        if (!text)
            return status_no_memory("a lane", strlen(entry_text(entry)) + 1);
        Status status = build_lane(builder, entry, text);
        free(text);
        TRY(status);
    }
    for (const RuleGpu *gpu = rule->gpus; gpu < rule->gpus + rule->gpu_count; gpu++)
        if (gpu->lane < 0 && builder->warnings)
            fprintf(builder->warnings, "warning: %s:%d: gpus.%d: in no lane, so that no job will use it\n",
                    builder->path, gpu->line, gpu->number);
    return NULL;
}

/* --- Users -------------------------------------------------------------------------------------------------------- */

static Status build_users(const Builder *builder, const char *role, const ConfigList *list,
                          char users[POOL_LANES][POOL_NAME], int *count) {
    for (int i = 0; i < list->count; i++) {
        const char *user = list->values[i].text;
        const int line = line_of(builder, "roles", role);
        if (strcmp(user, "*") != 0 && !rule_name_is_plain(user))
            return fault(builder, line, "roles", role, "%.60s is no name of a user", user);
        if (*count == POOL_LANES)
            return fault(builder, line, "roles", role, "a role has at most %d names; * means all users", POOL_LANES);
        snprintf(users[(*count)++], POOL_NAME, "%s", user);
    }
    return NULL;
}

static Status build_limit(const Builder *builder, const ConfigEntry *entry) {
    Rule *rule = builder->rule;
    const char *text = entry_text(entry);
    static const char word[] = "queued";
    const size_t length = sizeof word - 1;
    const char *number = strncmp(text, word, length) == 0 ? text + length + strspn(text + length, " \t") : "";
    if (strcmp(entry->name, "*") != 0 && !rule_name_is_plain(entry->name))
        return fault(builder, entry->line, "limits", entry->name, "no name of a user");
    if (number == text + length || rule_read_number(number) < 0)
        return fault(builder, entry->line, "limits", entry->name, "%.60s: a limit is queued N, N from 0 to 9999", text);
    if (rule->limit_count == POOL_LANES)
        return fault(builder, entry->line, "limits", entry->name, "a rule has at most %d limits", POOL_LANES);
    RuleLimit *limit = &rule->limits[rule->limit_count++];
    snprintf(limit->user, sizeof limit->user, "%s", entry->name);
    limit->queued = rule_read_number(number);
    return NULL;
}

/* --- Services ----------------------------------------------------------------------------------------------------- */

static bool is_address(const char *text) {
    return strncmp(text, "http://", 7) == 0 && text[7] && !text[strcspn(text, " \t")];
}

static Status check_service(const Builder *builder, const ConfigSection *section) {
    const RuleService *service = section->values;
    const Rule *rule = builder->rule;
    const int lane = rule_lane(rule, section->name);
    char name[64 + POOL_NAME], address[sizeof service->words];
    snprintf(name, sizeof name, "service.%.80s", section->name);
    if (lane < 0 || rule->lanes[lane].kind != LANE_SERVICE)
        return fault(builder, section->line, name, "", "[lanes] has no lane %.60s of the kind service", section->name);
    if (!*service->command)
        return fault(builder, section->line, name, "command", "the command is missing");
    if (*service->health && !is_address(service->health))
        return fault(builder, line_of(builder, name, "health"), name, "health", "%.60s is no address http://...",
                     service->health);
    const size_t length = strcspn(service->words, " \t");
    snprintf(address, sizeof address, "%.*s", (int)length, service->words);
    const char *metric = service->words + length + strspn(service->words + length, " \t");
    if (*service->words && (!is_address(address) || !*metric || metric[strcspn(metric, " \t")]))
        return fault(builder, line_of(builder, name, "words"), name, "words",
                     "%.60s: give an address http://... and the name of a count", service->words);
    return NULL;
}

Status rule_build(const RuleConfig *config, const char *text, const char *path, FILE *warnings, Rule *rule) {
    Builder builder = {.config = config, .text = text, .path = path, .warnings = warnings, .rule = rule};
    *rule = (Rule){.service_count = config->services.count};
    snprintf(rule->path, sizeof rule->path, "%s", path);
    TRY(build_node(&builder));
    TRY(build_gpus(&builder));
    TRY(build_lanes(&builder));
    TRY(build_users(&builder, "admin", &config->roles.admin, rule->admins, &rule->admin_count));
    TRY(build_users(&builder, "member", &config->roles.member, rule->members, &rule->member_count));
    for (int i = 0; i < config->limits.count; i++)
        TRY(build_limit(&builder, &config->limits.entries[i]));
    for (int i = 0; i < config->services.count; i++)
        TRY(check_service(&builder, &config->services.sections[i]));
    return NULL;
}
