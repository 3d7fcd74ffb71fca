/* rules.h (inside spam): the table of rules and their tests. A test answers how often or how strongly it holds, mostly 0 or 1; its row's
 * points are multiplied by that. Tests are pure; what they need and do not know counts nothing (P14). */
#ifndef SPAM_RULES_H
#define SPAM_RULES_H

#include "core/arena.h"
#include "spam/facts.h"

struct rule_parts { /* what is no text: does any of it ... (rule_attachment.c) */
	unsigned n;
	bool programs; /* run when it is opened, by its name or its octets */
	bool lies;     /* a program under a name that says otherwise */
	bool twice;    /* "x.pdf.exe" */
	bool turned;   /* a name that reads backwards */
	bool boxes;    /* a container that readers of mail do not look into */
	bool inside;   /* a program in a zip's list of names */
	bool locked;   /* under a password */
	bool macros;
	bool page; /* a page that runs or asks for something */
};
struct rule_page { /* links and tags (rule_html.c) */
	unsigned addresses, users, escaped, code; /* links to bare addresses, with user@, with a %
						     in the host, that are code themselves */
	unsigned forms, scripts, bases;
};
struct rule_letters { /* (rule_letters.c) */
	unsigned hidden, mixed, turned; /* signs nobody sees inside of words; words of two scripts;
					   letters set to run backwards */
};
struct rule_case { /* what tests look at: facts, and what several of them need, worked out once */
	const struct facts *f;
	struct arena *arena;
	int64_t now;
	struct slice text; /* start of the first text part, UTF-8 */
	bool has_text, has_html;
	unsigned hidden, tags_odd, links, links_false; /* of the HTML */
	size_t seen, html_size; /* octets a person would see; octets of HTML */
	struct rule_parts parts;
	struct rule_page page;
	struct rule_letters letters; /* of the text that is seen */
};
struct rule {
	const char *name;
	double points;
	double (*test)(const struct rule_case *c);
};
extern const struct rule rules[];
extern const size_t rules_n;

/* Looks once at what tests need, after which they may run. ${f} and ${a} stay. */
void rule_case_begin(struct rule_case *c, struct arena *a, const struct facts *f);
/* For rule_case_begin: fill what is below arena and now. */
void rule_body_look(struct rule_case *c);
void rule_parts_look(struct rule_case *c);
void rule_html_link(struct rule_case *c, struct slice href);
void rule_html_tag(struct rule_case *c, struct slice name);
void rule_html_plain(struct rule_case *c);
void rule_letters_look(struct rule_letters *l, struct slice utf8);

/* rule_header.c */
double rule_no_date(const struct rule_case *c);
double rule_date_off(const struct rule_case *c);
double rule_no_message_id(const struct rule_case *c);
double rule_bad_message_id(const struct rule_case *c);
double rule_no_to(const struct rule_case *c);
double rule_caps_subject(const struct rule_case *c);
double rule_name_is_address(const struct rule_case *c);
double rule_raw_8bit(const struct rule_case *c);
double rule_subject_gap(const struct rule_case *c);
/* rule_body.c */
double rule_gtube(const struct rule_case *c);
double rule_html_only(const struct rule_case *c);
double rule_hidden_text(const struct rule_case *c);
double rule_false_link(const struct rule_case *c);
double rule_image_only(const struct rule_case *c);
double rule_ambiguous_mime(const struct rule_case *c);
double rule_text_in_base64(const struct rule_case *c);
/* rule_address.c */
double rule_reply_elsewhere(const struct rule_case *c);
double rule_own_domain(const struct rule_case *c);
double rule_own_name(const struct rule_case *c);
double rule_not_named(const struct rule_case *c);
double rule_undisclosed(const struct rule_case *c);
double rule_from_is_to(const struct rule_case *c);
double rule_no_from_domain(const struct rule_case *c);
/* rule_program.c */
double rule_false_outlook(const struct rule_case *c);
double rule_bulk_program(const struct rule_case *c);
double rule_no_mime_version(const struct rule_case *c);
double rule_odd_zone(const struct rule_case *c);
double rule_needless_encoding(const struct rule_case *c);
double rule_loud(const struct rule_case *c);
double rule_shouting(const struct rule_case *c);
double rule_no_subject(const struct rule_case *c);
double rule_subject_names_you(const struct rule_case *c);
/* rule_letters.c */
double rule_mixed_words(const struct rule_case *c);
double rule_mixed_text(const struct rule_case *c);
double rule_hidden_letters(const struct rule_case *c);
double rule_turned_text(const struct rule_case *c);
double rule_false_charset(const struct rule_case *c);
/* rule_html.c */
double rule_link_address(const struct rule_case *c);
double rule_link_user(const struct rule_case *c);
double rule_link_escaped(const struct rule_case *c);
double rule_link_code(const struct rule_case *c);
double rule_html_form(const struct rule_case *c);
double rule_html_script(const struct rule_case *c);
double rule_html_base(const struct rule_case *c);
/* rule_attachment.c */
double rule_bad_attachment(const struct rule_case *c);
double rule_double_name(const struct rule_case *c);
double rule_false_type(const struct rule_case *c);
double rule_program_inside(const struct rule_case *c);
double rule_odd_container(const struct rule_case *c);
double rule_macros(const struct rule_case *c);
double rule_locked(const struct rule_case *c);
double rule_locked_with_key(const struct rule_case *c);
double rule_live_page(const struct rule_case *c);
double rule_only_attachment(const struct rule_case *c);
/* rule_client.c */
double rule_helo_bare(const struct rule_case *c);
double rule_helo_ours(const struct rule_case *c);
double rule_helo_address(const struct rule_case *c);
double rule_early_talker(const struct rule_case *c);
double rule_spf_fail(const struct rule_case *c);
double rule_proved(const struct rule_case *c);
double rule_known_correspondent(const struct rule_case *c);
double rule_bayes(const struct rule_case *c);
double rule_listed_address(const struct rule_case *c);
double rule_listed_name(const struct rule_case *c);
double rule_listed_uri(const struct rule_case *c);

#endif
