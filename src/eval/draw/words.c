/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/draw/words.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

static Words print_words(const char *format, ...) __attribute__((format(printf, 1, 2)));
static Words print_words(const char *format, ...) {
    Words words;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(words.text, sizeof words.text, format, arguments);
    va_end(arguments);
    return words;
}

Words words_number(double value) {
    const double size = fabs(value);
    if (isnan(value))
        return print_words("n/a");
    if (size > 0 && size < 0.0005)
        return print_words("%.1e", value);
    if (size >= 1e9)
        return print_words("%.4g", value);
    return print_words("%.*f", size < 10 ? 3 : size < 100 ? 2 : size < 1000 ? 1 : 0, value);
}

Words words_count(int64_t count) {
    char digits[24], text[32];
    size_t at = 0;
    if (count < 0)
        return print_words("n/a");
    const int length = snprintf(digits, sizeof digits, "%lld", (long long)count);
    for (int i = 0; i < length; i++) {
        if (i && (length - i) % 3 == 0)
            text[at++] = ',';
        text[at++] = digits[i];
    }
    text[at] = '\0';
    return print_words("%s", text);
}

Words words_plural(int64_t count, const char *one, const char *many) {
    if (count < 0)
        return print_words("a number of %s that is not known", many);
    return print_words("%s %s", words_count(count).text, count == 1 ? one : many);
}

Words words_percent(double share) {
    return isnan(share) ? print_words("n/a") : print_words("%.0f %%", 100 * share);
}

Words words_p(double p) {
    return isnan(p) ? print_words("n/a") : p < 0.001 ? print_words("< 0.001") : print_words("%.3f", p);
}

Words words_range(const Interval *interval) {
    if (!interval->method)
        return print_words("n/a");
    return print_words("%s to %s", words_number(interval->low).text, words_number(interval->high).text);
}

Words words_value(double value, const Interval *interval) {
    if (isnan(value) || !interval->method)
        return words_number(value);
    return print_words("%s (%s)", words_number(value).text, words_range(interval).text);
}

Words words_p_is(double p) {
    return print_words("p %s%s", p < 0.001 ? "" : "= ", words_p(p).text);
}

Words words_date(double seconds) {
    const time_t whole = (time_t)seconds;
    struct tm utc;
    Words words = {"n/a"};
    if (gmtime_r(&whole, &utc))
        strftime(words.text, sizeof words.text, "%Y-%m-%dT%H:%M:%SZ", &utc);
    return words;
}

const char *words_title(const char *name) {
    static const struct {
        const char *name, *title;
    } titles[] = {{"accuracy", "Accuracy"},
                  {"auprc", "AUPRC"},
                  {"auprc_macro", "AUPRC, mean"},
                  {"auroc", "AUROC"},
                  {"auroc_macro", "AUROC, mean of the labels"},
                  {"auroc_macro_ovr", "AUROC, mean of the classes"},
                  {"auroc_of_class", "AUROC against the rest"},
                  {"auroc_of_label", "AUROC"},
                  {"balanced_accuracy", "Balanced accuracy"},
                  {"balanced_accuracy_youden", "Balanced accuracy at val's Youden threshold"},
                  {"brier", "Brier score"},
                  {"calibration_in_the_large", "Calibration in the large"},
                  {"calibration_intercept", "Calibration intercept"},
                  {"calibration_slope", "Calibration slope"},
                  {"ece", "Expected calibration error"},
                  {"f1_macro", "F1, mean"},
                  {"hamming", "Hamming loss"},
                  {"jaccard_macro", "Jaccard index, mean"},
                  {"kappa", "Cohen's kappa"},
                  {"kappa_quadratic", "Quadratic kappa"},
                  {"log_loss", "Log loss"},
                  {"mae", "Mean absolute error"},
                  {"mcc", "Matthews correlation"},
                  {"net_benefit", "Net benefit"},
                  {"net_benefit_all", "Net benefit of calling everyone positive"},
                  {"pearson", "Pearson's correlation"},
                  {"precision_macro", "Precision, mean"},
                  {"r2", "R squared"},
                  {"recall_macro", "Recall, mean"},
                  {"rmse", "Root mean squared error"},
                  {"sensitivity_spec90", "Sensitivity at val's threshold for 90 % specificity"},
                  {"sensitivity_youden", "Sensitivity at val's Youden threshold"},
                  {"spearman", "Spearman's correlation"},
                  {"specificity_spec90", "Specificity at val's threshold for 90 % specificity"},
                  {"specificity_youden", "Specificity at val's Youden threshold"},
                  {"spread", "Spread of the predictions over that of the labels"},
                  {"threshold_spec90", "Threshold for 90 % specificity on val"},
                  {"threshold_youden", "Youden's threshold on val"}};
    for (size_t i = 0; i < sizeof titles / sizeof *titles; i++)
        if (!strcmp(titles[i].name, name))
            return titles[i].title;
    return name;
}

Words words_part(const EvalRows *rows, char *const *labels, int part) {
    if (rows->kind == EVAL_MULTILABEL)
        return print_words("%s", labels[part]);
    if (rows->kind == EVAL_MULTICLASS || rows->kind == EVAL_ORDINAL)
        return print_words("class %d", part);
    return print_words("%s", labels[0]);
}

Words words_figure(const Estimate *e, const EvalRows *rows, char *const *labels) {
    if (e->part >= 0)
        return print_words("%s, %.200s", words_title(e->name), words_part(rows, labels, e->part).text);
    if (!isnan(e->at))
        return print_words("%s at %g", words_title(e->name), e->at);
    return print_words("%s", words_title(e->name));
}
