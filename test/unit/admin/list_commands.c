/* list_commands.c: the commands there are, for the lint of the documents: name, arguments and summary, tab between them. */
#include <stdio.h>

#include "admin/commands.h"

int main(void)
{
	for (const struct command *c = command_rows(); c->name != NULL; c++)
		(void)printf("%s\t%s\t%s\n", c->name, c->arguments, c->summary);
	return (0);
}
