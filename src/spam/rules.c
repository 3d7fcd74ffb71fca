/* rules.c: THE TABLE: which signs count, and for how much. Points are small, so that no honest message is junked by what its program or
 * its sender's habits look like; README.md has how often each fires on real mail. bayes-spam is counted in points itself. */
#include "spam/rules.h"

#include <string.h>

#include "core/clock.h"
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
	{ "name-is-address", 1.2, rule_name_is_address },
	{ "raw-8bit", 0.5, rule_raw_8bit },
	/* who it says it is from and for */
	{ "reply-elsewhere", 0.8, rule_reply_elsewhere },
	{ "own-domain", 1.5, rule_own_domain },
	{ "own-name", 1.2, rule_own_name },
	{ "not-named", 0.3, rule_not_named },
	{ "undisclosed", 0.3, rule_undisclosed },
	{ "from-is-to", 0.6, rule_from_is_to },
	{ "no-from-domain", 0.6, rule_no_from_domain },
	/* the program that wrote it */
	{ "false-outlook", 0.4, rule_false_outlook },
	{ "bulk-program", 0.6, rule_bulk_program },
	{ "no-mime-version", 0.5, rule_no_mime_version },
	{ "odd-zone", 0.8, rule_odd_zone },
	{ "needless-encoding", 0.3, rule_needless_encoding },
	{ "loud", 0.3, rule_loud },
	{ "shouting", 0.3, rule_shouting },
	{ "no-subject", 0.2, rule_no_subject },
	{ "subject-names-you", 0.8, rule_subject_names_you },
	/* letters */
	{ "mixed-words", 1.0, rule_mixed_words },
	{ "mixed-text", 1.0, rule_mixed_text },
	{ "hidden-letters", 1.0, rule_hidden_letters },
	{ "turned-text", 1.0, rule_turned_text },
	{ "false-charset", 0.2, rule_false_charset },
	/* links and pages */
	{ "link-address", 0.7, rule_link_address },
	{ "link-user", 0.8, rule_link_user },
	{ "link-escaped", 0.8, rule_link_escaped },
	{ "link-code", 0.8, rule_link_code },
	{ "html-form", 0.3, rule_html_form },
	{ "html-script", 0.5, rule_html_script },
	{ "html-base", 0.5, rule_html_base },
	/* attachments */
	{ "bad-attachment", 3.0, rule_bad_attachment },
	{ "double-name", 1.5, rule_double_name },
	{ "false-type", 2.0, rule_false_type },
	{ "program-inside", 2.5, rule_program_inside },
	{ "odd-container", 1.5, rule_odd_container },
	{ "macros", 1.5, rule_macros },
	{ "locked", 0.5, rule_locked },
	{ "locked-with-key", 1.5, rule_locked_with_key },
	{ "live-page", 1.2, rule_live_page },
	{ "only-attachment", 0.5, rule_only_attachment },
	/* body */
	{ "html-only", 0.5, rule_html_only },
	{ "hidden-text", 0.6, rule_hidden_text },
	{ "false-link", 0.6, rule_false_link },
	{ "image-only", 0.8, rule_image_only },
	{ "ambiguous-mime", 0.8, rule_ambiguous_mime },
	{ "text-in-base64", 0.7, rule_text_in_base64 },
	/* client */
	{ "helo-bare", 0.5, rule_helo_bare },
	{ "helo-ours", 1.0, rule_helo_ours },
	{ "helo-address", 0.5, rule_helo_address },
	{ "early-talker", 2.0, rule_early_talker },
	{ "spf-fail", 1.0, rule_spf_fail },
	{ "sender-proved", -0.3, rule_proved },
	/* lists in the DNS; points are the owner's */
	{ "listed-address", 1, rule_listed_address },
	{ "listed-name", 1, rule_listed_name },
	{ "listed-uri", 1, rule_listed_uri },
	{ "known-correspondent", -1.5, rule_known_correspondent },
};
const size_t rules_n = COUNT_OF(rules);

void rule_case_begin(struct rule_case *c, struct arena *a, const struct facts *f)
{
	*c = (struct rule_case){
		.f = f, .arena = a, .now = f->arrived != 0 ? f->arrived : clock_wall()
	};
	rule_body_look(c);
	rule_parts_look(c);
}
