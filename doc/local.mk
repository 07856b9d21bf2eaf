# doc: see doc/architecture.md for the directions between layers.
dist_man_MANS = \
	doc/man/weft-agent.8 \
	doc/man/weft-bfdd.8 \
	doc/man/weft-bgpd.8 \
	doc/man/weft.8 \
	doc/man/weft.yaml.5 \
	doc/man/weftd.8
EXTRA_DIST += doc/benchmarks.md doc/coexistence.md doc/configuration.md doc/kubernetes.md doc/moving.md doc/operations.md \
	doc/standards.md

# What is written about the configuration comes from its option table.
noinst_PROGRAMS += doc/confdoc
doc_confdoc_SOURCES = doc/confdoc.c doc/confdoc.h doc/confdoc_crd.c doc/confdoc_man.c doc/confdoc_md.c \
	doc/confdoc_schema.c
doc_confdoc_LDADD = lib/libconf.a lib/libweft.a $(YAML_LIBS)

crds = bgpadvertisements bgpconfigurations bgpfilters bgppeers

.PHONY: update-conf-docs
update-conf-docs: doc/confdoc$(EXEEXT)
	doc/confdoc man $(srcdir)/doc/man/weft.yaml.5 >conf.new && mv conf.new $(srcdir)/doc/man/weft.yaml.5
	doc/confdoc md $(srcdir)/doc/configuration.md >conf.new && mv conf.new $(srcdir)/doc/configuration.md
	doc/confdoc schema >conf.new && mv conf.new $(srcdir)/etc/weft.schema.json
	$(MKDIR_P) $(srcdir)/etc/kubernetes/crds
	for crd in $(crds); do doc/confdoc crd $$crd >conf.new && \
		mv conf.new $(srcdir)/etc/kubernetes/crds/$$crd.yaml || exit 1; done
