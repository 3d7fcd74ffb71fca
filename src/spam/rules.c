/* rules.c: THE TABLE: which signs count, and for how much. Points are small, so that no honest message is junked by what its program or
 * its sender's habits look like; README.md has how often each fires on real mail. bayes-spam is counted in points itself. */
#include "spam/rules.h"

#include "core/mem.h"

const struct rule rules[] = {
	{ "gtube", 1000, rule_gtube },
	{ "bayes-spam", 1, rule_bayes },
	/* header */
	{ "no-date", 0.8, rule_no_date },
	{ "date-off", 0.6, rule_date_off },
	{ "no-message-id", 0.6, rule_no_message_id },
	{ "bad-message-id", 0.5, rule_bad_message_id },
	{ "no-to", 0.2, rule_no_to },
	{ "caps-subject", 0.6, rule_caps_subject },
	{ "subject-gap", 0.8, rule_subject_gap },
	{ "mixed-words", 1.0, rule_mixed_words },
	{ "name-is-address", 1.2, rule_name_is_address },
	{ "raw-8bit", 0.5, rule_raw_8bit },
	/* body */
	{ "html-only", 0.5, rule_html_only },
	{ "hidden-text", 0.6, rule_hidden_text },
	{ "false-link", 0.6, rule_false_link },
	{ "image-only", 0.8, rule_image_only },
	{ "bad-attachment", 3.0, rule_bad_attachment },
	{ "ambiguous-mime", 0.8, rule_ambiguous_mime },
	{ "text-in-base64", 0.7, rule_text_in_base64 },
	/* client */
	{ "helo-bare", 0.5, rule_helo_bare },
	{ "helo-address", 0.5, rule_helo_address },
	{ "early-talker", 2.0, rule_early_talker },
	{ "spf-fail", 1.0, rule_spf_fail },
	{ "sender-proved", -0.3, rule_proved },
	{ "known-correspondent", -1.5, rule_known_correspondent },
};
const size_t rules_n = COUNT_OF(rules);
