/*
 * Text to addresses and prefixes: what is accepted prints to text that parses to the
 * same value, and a prefix is masked.
 */
#include "lib/ip.h"
#include "lib/mem.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *in, size_t len)
{
	char *text = mem_strndup((const char *)(len > 0 ? in : (const uint8_t *)""), len);
	char buf[IP_ADDR_STRLEN], pbuf[IP_PREFIX_STRLEN];
	struct ip_addr a, a2;
	struct ip_prefix p, p2;
	bool host_bits;

	if (ip_addr_parse(text, &a)) {
		HOLD(ip_addr_parse(ip_addr_str(&a, buf), &a2));
		HOLD(ip_addr_eq(&a, &a2));
		HOLD(!ip_prefix_parse(text, &p, &host_bits));
	}
	if (ip_prefix_parse(text, &p, &host_bits)) {
		HOLD(ip_prefix_parse(ip_prefix_str(&p, pbuf), &p2, NULL));
		HOLD(ip_prefix_eq(&p, &p2));
		HOLD(host_bits == !ip_prefix_parse(text, &p2, NULL));
	}
	mem_free(text);
	return 0;
}
