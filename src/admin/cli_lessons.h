/* cli_lessons.h: "pennypost spam export" and "pennypost spam import". */
#ifndef ADMIN_CLI_LESSONS_H
#define ADMIN_CLI_LESSONS_H

#include "admin/commands.h"

/* Both return an exit code. ${account} NULL: all lessons. */
int cli_lessons_export(const struct command_line *cl, const char *account);
int cli_lessons_import(const struct command_line *cl, const char *file);

#endif
