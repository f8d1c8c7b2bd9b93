# The commands of README.md.
.PHONY: help deps test test-compose test-tutorial check bench lab lab-deploy lab-down microkernel image run format

help: ## these lines
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

deps: ## install what is missing: Debian packages (as root), Node 24, npm packages
	@scripts/setup

test: ## every gate and every tier of tests
	@scripts/test

test-tutorial: ## docs/tutorials/first-node.md, each command, with virtual servers (as root); no lab may be up
	@scripts/test tutorial

test-compose: ## docker-compose.yml on a real engine of the test's own (as root), from build to down
	@scripts/test compose

check: deps ## types, lint, layers, dead code and unit tests: the quick half of `make test`
	@PATH="$(CURDIR)/node_modules/.bin:$$(dirname $$(scripts/node --path)):$$PATH"; export PATH; \
	  tsc -p tsconfig.json && eslint . && depcruise --config .dependency-cruiser.cjs src && knip && scripts/jest --selectProjects unit

bench: deps ## every benchmark beside its peer (as root); ONLY=NAME runs one
	@scripts/bench $(ONLY)

microkernel: deps ## build the discovery OS into .cache/microkernel
	@microkernel/build

image: deps ## build the guest image, a small Debian 12, into .cache/image
	@guest-image/build

# STORE=mongodb MONGODB_URL=mongodb://... make lab: the same with its documents in MongoDB
lab: deps microkernel ## two virtual servers, powered on over IPMI, discovered by us; the lab stays up
	@bin/rackwright lab up $(if $(STORE),--store $(STORE))

lab-deploy: deps image ## an operating system on node NODE (1) of the running lab, and a login there by ssh
	@bin/rackwright lab deploy --node $(or $(NODE),1)

lab-down: ## remove every trace of the lab
	@bin/rackwright lab down

run: deps ## run the server on a real interface: make run CONFIG=FILE
	@test -n "$(CONFIG)" || { echo "usage: make run CONFIG=FILE   (bin/rackwright config sample prints one)"; exit 2; }
	@bin/rackwright serve --config "$(CONFIG)"

format: ## rewrite the sources in the project's format
	@PATH="$(CURDIR)/node_modules/.bin:$$(dirname $$(scripts/node --path)):$$PATH" prettier --write --log-level warn .
