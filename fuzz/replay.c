/* replay.c: runs a fuzz target once over every file of the folders named on the command line, and over
 * each file cut at a few lengths, so that the kept corpus is a test wherever libFuzzer is not. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static int replay_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	uint8_t *data = NULL;
	size_t n = 0, cap = 0, got;

	if (f == NULL)
		return (0);
	do {
		if (n == cap && (data = realloc(data, cap = cap * 2 + 4096)) == NULL)
			abort();
		got = fread(data + n, 1, cap - n, f);
		n += got;
	} while (got > 0);
	(void)fclose(f);
	for (size_t cut = 0; cut <= 4; cut++) {
		size_t len = n * cut / 4;
		uint8_t *exact = malloc(len > 0 ? len : 1); /* exact size: an over-read is seen */

		if (exact == NULL)
			abort();
		for (size_t i = 0; i < len; i++)
			exact[i] = data[i];
		(void)LLVMFuzzerTestOneInput(exact, len);
		free(exact);
	}
	free(data);
	return (1);
}

int main(int argc, char **argv)
{
	int files = 0;

	for (int i = 1; i < argc; i++) {
		DIR *dir = opendir(argv[i]);
		struct dirent *e;
		char path[4096];

		if (dir == NULL) {
			(void)fprintf(stderr, "replay: no folder %s\n", argv[i]);
			return (1);
		}
		while ((e = readdir(dir)) != NULL) {
			if (e->d_name[0] == '.')
				continue;
			(void)snprintf(path, sizeof(path), "%s/%s", argv[i], e->d_name);
			files += replay_file(path);
		}
		(void)closedir(dir);
	}
	(void)printf("%d files replayed\n", files);
	return (files > 0 ? 0 : 1);
}
