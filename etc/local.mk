# etc: see doc/architecture.md for the directions between layers.

# Samples of the configuration, each loaded by make check, and the schema for editors.
examplesdir = $(docdir)/examples
dist_examples_DATA = \
	etc/dual-tor-unnumbered.yaml \
	etc/mesh.yaml \
	etc/reflector.yaml \
	etc/weft.schema.json \
	etc/weft.yaml

# Kubernetes: custom resource definitions (made by doc/confdoc), samples.
crdsdir = $(docdir)/examples/kubernetes/crds
dist_crds_DATA = \
	etc/kubernetes/crds/bgpadvertisements.yaml \
	etc/kubernetes/crds/bgpconfigurations.yaml \
	etc/kubernetes/crds/bgpfilters.yaml \
	etc/kubernetes/crds/bgppeers.yaml

kubesamplesdir = $(docdir)/examples/kubernetes/samples
dist_kubesamples_DATA = \
	etc/kubernetes/samples/advertisements.yaml \
	etc/kubernetes/samples/configmap.yaml \
	etc/kubernetes/samples/configuration.yaml \
	etc/kubernetes/samples/peers.yaml

# Kubernetes: image, manifests, chart.
EXTRA_DIST += etc/kubernetes/Containerfile etc/kubernetes/mkimage etc/kubernetes/weft.yaml \
	etc/kubernetes/chart/Chart.yaml etc/kubernetes/chart/values.yaml \
	$(wildcard $(srcdir)/etc/kubernetes/chart/templates/*.yaml)

# Completions under the names that the shells look for.
EXTRA_DIST += etc/completions/weft.bash etc/completions/weft.zsh

install-data-hook: install-completions
uninstall-hook: uninstall-completions
.PHONY: install-completions uninstall-completions
install-completions:
	$(MKDIR_P) $(DESTDIR)$(datadir)/bash-completion/completions \
		$(DESTDIR)$(datadir)/zsh/vendor-completions
	$(INSTALL_DATA) $(srcdir)/etc/completions/weft.bash \
		$(DESTDIR)$(datadir)/bash-completion/completions/weft
	$(INSTALL_DATA) $(srcdir)/etc/completions/weft.zsh \
		$(DESTDIR)$(datadir)/zsh/vendor-completions/_weft
uninstall-completions:
	rm -f $(DESTDIR)$(datadir)/bash-completion/completions/weft \
		$(DESTDIR)$(datadir)/zsh/vendor-completions/_weft

# systemd: unit, users, the configuration's directory.
sysusersdir = $(prefix)/lib/sysusers.d
tmpfilesdir = $(prefix)/lib/tmpfiles.d
dist_sysusers_DATA = etc/sysusers/weft.conf
dist_tmpfiles_DATA = etc/tmpfiles/weft.conf
nodist_systemdsystemunit_DATA = etc/systemd/weftd.service
EXTRA_DIST += etc/systemd/weftd.service.in
CLEANFILES += etc/systemd/weftd.service
etc/systemd/weftd.service: etc/systemd/weftd.service.in Makefile
	$(AM_V_GEN)$(MKDIR_P) etc/systemd && sed -e 's|@sbindir[@]|$(sbindir)|g' \
		-e 's|@bindir[@]|$(bindir)|g' $(srcdir)/etc/systemd/weftd.service.in >$@.new && mv $@.new $@
