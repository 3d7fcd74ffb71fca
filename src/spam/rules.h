/* rules.h (inside spam): the table of rules and their tests. A test answers how often or how strongly it holds, mostly 0 or 1; its row's
 * points are multiplied by that. Tests are pure; what they need and do not know counts nothing (P14). */
#ifndef SPAM_RULES_H
#define SPAM_RULES_H

#include "core/arena.h"
#include "spam/facts.h"

struct rule_case { /* what tests look at: facts, and what several of them need, worked out once */
	const struct facts *f;
	struct arena *arena;
	int64_t now;
	struct slice text; /* start of the first text part, UTF-8 */
	bool has_text, has_html;
	unsigned hidden, tags_odd, links, links_false; /* of the HTML */
	size_t seen, html_size; /* octets a person would see; octets of HTML */
};
struct rule {
	const char *name;
	double points;
	double (*test)(const struct rule_case *c);
};
extern const struct rule rules[];
extern const size_t rules_n;

void rule_body_look(struct rule_case *c); /* fills what is below arena and now */

/* rule_header.c */
double rule_no_date(const struct rule_case *c);
double rule_date_off(const struct rule_case *c);
double rule_no_message_id(const struct rule_case *c);
double rule_bad_message_id(const struct rule_case *c);
double rule_no_to(const struct rule_case *c);
double rule_caps_subject(const struct rule_case *c);
double rule_mixed_words(const struct rule_case *c);
double rule_name_is_address(const struct rule_case *c);
double rule_raw_8bit(const struct rule_case *c);
double rule_subject_gap(const struct rule_case *c);
/* rule_body.c */
double rule_gtube(const struct rule_case *c);
double rule_html_only(const struct rule_case *c);
double rule_hidden_text(const struct rule_case *c);
double rule_false_link(const struct rule_case *c);
double rule_image_only(const struct rule_case *c);
double rule_bad_attachment(const struct rule_case *c);
double rule_ambiguous_mime(const struct rule_case *c);
double rule_text_in_base64(const struct rule_case *c);
/* rule_client.c */
double rule_helo_bare(const struct rule_case *c);
double rule_helo_address(const struct rule_case *c);
double rule_early_talker(const struct rule_case *c);
double rule_spf_fail(const struct rule_case *c);
double rule_proved(const struct rule_case *c);
double rule_known_correspondent(const struct rule_case *c);
double rule_bayes(const struct rule_case *c);

#endif
