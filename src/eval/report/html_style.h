/* SPDX-License-Identifier: Apache-2.0 */
/* The style sheet within a report's page. */
#ifndef FOVEA_EVAL_HTML_STYLE_H
#define FOVEA_EVAL_HTML_STYLE_H

/* Light and dark, paper, and screens from 320 pixels on. Series are in the colours of Okabe and Ito (2008), darker or
 * lighter by the ground, which people with any colour blindness tell apart. */
extern const char *const html_style;

#endif
