/**
 * The grammar of the RFCs, rule by rule as they print it.
 *
 * Lists are written as RFC 9110, 5.6.1.2 has them for recipients: with empty members.
 */

/** RFC 5234, appendix B.1. */
const CORE = `\
ALPHA = %x41-5A / %x61-7A
CR = %x0D
CRLF = CR LF
DIGIT = %x30-39
DQUOTE = %x22
HEXDIG = DIGIT / "A" / "B" / "C" / "D" / "E" / "F"
HTAB = %x09
LF = %x0A
OCTET = %x00-FF
SP = %x20
VCHAR = %x21-7E`;

/** RFC 3986, appendix A. */
const URI = `\
absolute-URI = scheme ":" hier-part [ "?" query ]
hier-part = "//" authority path-abempty / path-absolute / path-rootless / path-empty
scheme = ALPHA *( ALPHA / DIGIT / "+" / "-" / "." )
authority = [ userinfo "@" ] host [ ":" port ]
userinfo = *( unreserved / pct-encoded / sub-delims / ":" )
host = IP-literal / IPv4address / reg-name
port = *DIGIT
IP-literal = "[" ( IPv6address / IPvFuture ) "]"
IPvFuture = "v" 1*HEXDIG "." 1*( unreserved / sub-delims / ":" )
IPv6address = 6( h16 ":" ) ls32
  / "::" 5( h16 ":" ) ls32
  / [ h16 ] "::" 4( h16 ":" ) ls32
  / [ *1( h16 ":" ) h16 ] "::" 3( h16 ":" ) ls32
  / [ *2( h16 ":" ) h16 ] "::" 2( h16 ":" ) ls32
  / [ *3( h16 ":" ) h16 ] "::" h16 ":" ls32
  / [ *4( h16 ":" ) h16 ] "::" ls32
  / [ *5( h16 ":" ) h16 ] "::" h16
  / [ *6( h16 ":" ) h16 ] "::"
h16 = 1*4HEXDIG
ls32 = ( h16 ":" h16 ) / IPv4address
IPv4address = dec-octet "." dec-octet "." dec-octet "." dec-octet
dec-octet = DIGIT / %x31-39 DIGIT / "1" 2DIGIT / "2" %x30-34 DIGIT / "25" %x30-35
reg-name = *( unreserved / pct-encoded / sub-delims )
path-abempty = *( "/" segment )
path-absolute = "/" [ segment-nz *( "/" segment ) ]
path-rootless = segment-nz *( "/" segment )
path-empty = ""
segment = *pchar
segment-nz = 1*pchar
pchar = unreserved / pct-encoded / sub-delims / ":" / "@"
query = *( pchar / "/" / "?" )
pct-encoded = "%" HEXDIG HEXDIG
unreserved = ALPHA / DIGIT / "-" / "." / "_" / "~"
sub-delims = "!" / "$" / "&" / "'" / "(" / ")" / "*" / "+" / "," / ";" / "="`;

/** RFC 9110, appendix A. */
const SEMANTICS = `\
BWS = OWS
OWS = *( SP / HTAB )
Content-Length = 1*DIGIT
host-value = uri-host [ ":" port ]
absolute-path = 1*( "/" segment )
field-content = field-vchar [ 1*( SP / HTAB / field-vchar ) field-vchar ]
field-name = token
field-value = *field-content
field-vchar = VCHAR / obs-text
http-URI = "http" "://" authority path-abempty [ "?" query ]
https-URI = "https" "://" authority path-abempty [ "?" query ]
method = token
obs-text = %x80-FF
qdtext = HTAB / SP / "!" / %x23-5B / %x5D-7E / obs-text
quoted-pair = "\\" ( HTAB / SP / VCHAR / obs-text )
quoted-string = DQUOTE *( qdtext / quoted-pair ) DQUOTE
tchar = "!" / "#" / "$" / "%" / "&" / "'" / "*" / "+" / "-" / "." / "^" / "_" / "\`" / "|" / "~" / DIGIT / ALPHA
token = 1*tchar
uri-host = host`;

/** RFC 9112, appendix A; `request-head` is `HTTP-message` of a request without its body. */
const MESSAGES = `\
HTTP-name = %s"HTTP"
HTTP-version = HTTP-name "/" DIGIT "." DIGIT
Transfer-Encoding = [ transfer-coding ] *( OWS "," OWS [ transfer-coding ] )
absolute-form = absolute-URI
asterisk-form = "*"
authority-form = uri-host ":" port
chunk-ext = *( BWS ";" BWS chunk-ext-name [ BWS "=" BWS chunk-ext-val ] )
chunk-ext-name = token
chunk-ext-val = token / quoted-string
chunk-size = 1*HEXDIG
field-line = field-name ":" OWS field-value OWS
origin-form = absolute-path [ "?" query ]
request-line = method SP request-target SP HTTP-version
request-target = origin-form / absolute-form / authority-form / asterisk-form
trailer-section = *( field-line CRLF )
transfer-coding = token *( OWS ";" OWS transfer-parameter )
transfer-parameter = token BWS "=" BWS ( token / quoted-string )
request-head = request-line CRLF *( field-line CRLF ) CRLF
chunk-line = chunk-size [ chunk-ext ] CRLF
trailers = trailer-section CRLF`;

/** All rules. */
export const RFC: readonly string[] = [CORE, URI, SEMANTICS, MESSAGES];
