/*
 * TLS by OpenSSL: the module weft-tls.so (see tls.h).
 *
 * TLS 1.2 or newer, the server's certificate and name always checked (RFC 9110 section 4.3.4), its
 * name in SNI (RFC 6066 section 3) unless it is an address. No ALPN: a client that speaks HTTP/1.1
 * alone must not be taken for one that speaks h2. A stream that ends without close_notify is told
 * apart from one that ends (RFC 8446 section 6.1).
 */
#include "agent/kube/tls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "lib/mem.h"

struct tls {
	SSL *ssl;
	bool failed; /* nothing more may be said */
	char why[TLS_WHY_MAX];
};

/* ---- contexts ------------------------------------------------------------ */

static bool
fail(char *why, const char *what)
{
	unsigned long e = ERR_peek_last_error();
	const char *reason = e ? ERR_reason_error_string(e) : NULL;

	snprintf(why, TLS_WHY_MAX, "%s%s%s", what, reason ? ": " : "", reason ? reason : "");
	ERR_clear_error();
	return false;
}

/* Every certificate of a bundle; at least one. */
static bool
load_ca(SSL_CTX *c, const char *pem, char *why)
{
	BIO *b = BIO_new_mem_buf(pem, -1);
	X509 *x;
	int n = 0;

	while ((x = PEM_read_bio_X509(b, NULL, NULL, NULL))) {
		X509_STORE_add_cert(SSL_CTX_get_cert_store(c), x);
		X509_free(x);
		n++;
	}
	BIO_free(b);
	ERR_clear_error(); /* the end of the text is one */
	return n > 0 || fail(why, "no certificate in the CA's file");
}

static bool
load_own_key(SSL_CTX *c, const char *pem, char *why)
{
	BIO *b = BIO_new_mem_buf(pem, -1);
	EVP_PKEY *k = PEM_read_bio_PrivateKey(b, NULL, NULL, (void *)"");
	bool ok = k && SSL_CTX_use_PrivateKey(c, k) == 1;

	EVP_PKEY_free(k);
	BIO_free(b);
	return ok || fail(why, "client key");
}

/* Ours, then those that lead to its authority. */
static bool
load_own(SSL_CTX *c, const struct tls_trust *t, char *why)
{
	BIO *b = BIO_new_mem_buf(t->cert, -1);
	X509 *x = PEM_read_bio_X509(b, NULL, NULL, NULL);
	bool ok = x && SSL_CTX_use_certificate(c, x) == 1;

	X509_free(x);
	while (ok && (x = PEM_read_bio_X509(b, NULL, NULL, NULL)))
		if (SSL_CTX_add0_chain_cert(c, x) != 1)
			X509_free(x);
	BIO_free(b);
	if (!ok)
		return fail(why, "client certificate");
	ERR_clear_error();
	return load_own_key(c, t->key ? t->key : "", why);
}

static void
ctx_free(struct tls_ctx *c)
{
	SSL_CTX_free((SSL_CTX *)c);
}

static struct tls_ctx *
ctx_new(const struct tls_trust *t, char *why)
{
	SSL_CTX *c = SSL_CTX_new(TLS_client_method());
	bool ok;

	if (!c) {
		fail(why, "OpenSSL");
		return NULL;
	}
	SSL_CTX_set_min_proto_version(c, TLS1_2_VERSION);
	SSL_CTX_set_verify(c, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_mode(c, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
		SSL_MODE_RELEASE_BUFFERS);
	ok = t->ca ? load_ca(c, t->ca, why) :
		     SSL_CTX_set_default_verify_paths(c) == 1 || fail(why, "CAs of the system");
	if (ok && t->cert)
		ok = load_own(c, t, why);
	if (!ok) {
		SSL_CTX_free(c);
		return NULL;
	}
	return (struct tls_ctx *)c;
}

/* ---- connections --------------------------------------------------------- */

static bool
is_address(const char *name)
{
	unsigned char b[16];

	return inet_pton(AF_INET, name, b) == 1 || inet_pton(AF_INET6, name, b) == 1;
}

static bool
expect(SSL *s, const char *name)
{
	X509_VERIFY_PARAM *p = SSL_get0_param(s);

	X509_VERIFY_PARAM_set_hostflags(p, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	if (is_address(name))
		return X509_VERIFY_PARAM_set1_ip_asc(p, name) == 1;
	return SSL_set1_host(s, name) == 1 && SSL_set_tlsext_host_name(s, name) == 1;
}

static void
conn_close(struct tls *t)
{
	if (!t)
		return;
	ERR_clear_error();
	if (!t->failed)
		SSL_shutdown(t->ssl); /* what the socket does not take is not said */
	ERR_clear_error();
	SSL_free(t->ssl);
	mem_free(t);
}

static struct tls *
conn_open(struct tls_ctx *c, int fd, const char *name)
{
	struct tls *t = mem_zalloc(sizeof *t);

	t->ssl = SSL_new((SSL_CTX *)c);
	t->failed = true; /* nothing to say before the handshake */
	if (!t->ssl || SSL_set_fd(t->ssl, fd) != 1 || !expect(t->ssl, name)) {
		conn_close(t);
		return NULL;
	}
	SSL_set_connect_state(t->ssl);
	return t;
}

/* The reason: what is wrong with the certificate, else what OpenSSL says, else the system. */
static enum tls_io
failed(struct tls *t, int err)
{
	unsigned long e = ERR_peek_error();
	long verify = SSL_get_verify_result(t->ssl);
	int sys = errno;

	t->failed = true;
	if (verify != X509_V_OK)
		snprintf(t->why, sizeof t->why, "the server's certificate: %s",
		    X509_verify_cert_error_string(verify));
	else if (e)
		snprintf(t->why, sizeof t->why, "TLS: %s",
		    ERR_reason_error_string(e) ? ERR_reason_error_string(e) : "unknown error");
	else
		snprintf(t->why, sizeof t->why, "%s",
		    err == SSL_ERROR_SYSCALL && sys ? strerror(sys) : "connection closed");
	ERR_clear_error();
	return TLS_FAIL;
}

static enum tls_io
result(struct tls *t, int r)
{
	int err = SSL_get_error(t->ssl, r);
	bool reset = errno == ECONNRESET || errno == EPIPE || errno == 0;

	if (err == SSL_ERROR_WANT_READ)
		return TLS_WANT_READ;
	if (err == SSL_ERROR_WANT_WRITE)
		return TLS_WANT_WRITE;
	if (err == SSL_ERROR_ZERO_RETURN)
		return TLS_END;
	if (ERR_GET_REASON(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING ||
	    (err == SSL_ERROR_SYSCALL && reset)) {
		failed(t, err);
		return TLS_CUT;
	}
	return failed(t, err);
}

static enum tls_io
conn_handshake(struct tls *t)
{
	int r;

	ERR_clear_error();
	errno = 0;
	r = SSL_do_handshake(t->ssl);
	if (r == 1)
		t->failed = false;
	return r == 1 ? TLS_OK : result(t, r);
}

static enum tls_io
conn_read(struct tls *t, void *buf, size_t cap, size_t *ret_n)
{
	ERR_clear_error();
	errno = 0;
	return SSL_read_ex(t->ssl, buf, cap, ret_n) == 1 ? TLS_OK : result(t, 0);
}

static enum tls_io
conn_write(struct tls *t, const void *buf, size_t n, size_t *ret_n)
{
	ERR_clear_error();
	errno = 0;
	return SSL_write_ex(t->ssl, buf, n, ret_n) == 1 ? TLS_OK : result(t, 0);
}

static const char *
conn_why(const struct tls *t)
{
	return t->why;
}

extern const struct tls_ops weft_tls_ops;
const struct tls_ops weft_tls_ops = {
	.ctx_new = ctx_new,
	.ctx_free = ctx_free,
	.open = conn_open,
	.close = conn_close,
	.handshake = conn_handshake,
	.read = conn_read,
	.write = conn_write,
	.why = conn_why,
};
