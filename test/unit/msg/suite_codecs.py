"""suite_codecs.py: transfer encodings, encoded words and RFC 2231 values as others decode and encode them, against src/msg.

Called by suite_drive.py. Left out: uuencode, which is no transfer encoding of RFC 2045, so parts in it are
opaque (RFC 3516 4.3: UNKNOWN-CTE), and folded lists of addresses, which nothing here writes.
"""
from suite_tally import SUITES

# (suite, which cases, why we mean to differ)
DEVIATIONS = [
    ("kmime/base64", lambda s: s == "corrupt.base64", "what follows padding is read as well, as mail programs do"),
    ("kmime/quoted-printable", lambda s: s in ("corrupt.quoted-printable", "corrupt4.quoted-printable"),
     "a \"=\" that ends the last line is a soft line break (RFC 2045 6.7 (5))"),
    ("kmime/quoted-printable", lambda s: s == "wrap-encode",
     "a dash at the begin of a line stands as it is (RFC 2045 6.7 (2)), so lines end elsewhere; read back it is the same"),
    ("kmime/words", lambda s: s in ("b basic-decode.b", "b basic-encode", "q all-encoded-decode.q", "q basic-encode"),
     "no line end comes out of an encoded word, and no NUL: blanks and U+FFFD (RFC 2047 5, SIN-30)"),
    ("kmime/rfc2231", lambda s: s.startswith(("all-encoded", "basic")), "no NUL comes out of a parameter"),
]


def pairs(folder, pattern):
    """(name, input, what they made of it) of kmime's files."""
    for path in sorted((SUITES / "mime/kmime" / folder).glob(pattern)):
        yield path.name, path.read_bytes(), path.with_name(path.name + ".expected").read_bytes()


def decoded(dump, encoding, body):
    answer = dump("decoded", b"Content-Type: application/octet-stream\nContent-Transfer-Encoding: %s\n\n%s" % (encoding, body))
    return answer.partition(b"\n")[2]


def shown(octets):
    """What these octets are as text, when their charset is ISO-8859-1, which means windows-1252."""
    return "".join(bytes([c]).decode("cp1252", "replace") for c in octets)


def transfer_encodings(dump, tally):
    for encoding in ("base64", "quoted-printable"):
        for name, given, want in pairs("codec_" + encoding, "*." + encoding):
            got = decoded(dump, encoding.encode(), given)
            tally.check("kmime/" + encoding, name, got.replace(b"\r\n", b"\n"), want.replace(b"\r\n", b"\n"))
        for name, given, want in pairs("codec_" + encoding, "*-encode"):
            got = dump("to-" + encoding, given)
            tally.check("kmime/" + encoding, name, got.replace(b"\r\n", b"\n"), want.replace(b"\r\n", b"\n"))
            tally.check("kmime/" + encoding, name + " and back", decoded(dump, encoding.encode(), got).replace(b"\r\n", b"\n"), given.replace(b"\r\n", b"\n"))


def words(dump, tally):
    """Their encoded text in an encoded word, or as a parameter; what they encode is decoded here too."""
    for kind in ("b", "q"):
        for name, given, want in pairs("codec_" + kind, "*-decode." + kind):
            tally.check("kmime/words", f"{kind} {name}", dump("words", b"=?iso-8859-1?%s?%s?=" % (kind.encode(), given)).decode(), shown(want))
        for name, given, want in pairs("codec_" + kind, "*-encode"):
            tally.check("kmime/words", f"{kind} {name}", dump("words", b"=?iso-8859-1?%s?%s?=" % (kind.encode(), want)).decode(), shown(given))
    folder = "codec_x-kmime-rfc2231"
    cases = list(pairs(folder, "*decode")) + list(pairs(folder, "*.x-kmime-rfc2231")) + [(n, w, g) for n, g, w in pairs(folder, "*-encode")]
    for name, given, want in cases:
        got = dump("param", b"text/plain; n*=iso-8859-1''" + given).decode().removeprefix("text/plain\n")
        tally.check("kmime/rfc2231", name, got, f"n={shown(want)}\n")


def compare(dump, tally):
    transfer_encodings(dump, tally)
    words(dump, tally)
