package main

import (
	"fmt"
	"os"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// "LOG_VKEY FILE…" verifies each C2SP tlog-proof with torchwood, and prints the entry that it has as its extra data.
func main() {
	key, err := note.NewVerifier(os.Args[1])
	check(err)
	policy := torchwood.ThresholdPolicy(2, torchwood.OriginPolicy(key.Name()), torchwood.SingleVerifierPolicy(key))
	for _, path := range os.Args[2:] {
		proof, err := os.ReadFile(path)
		check(err)
		entry, err := torchwood.ProofExtraData(proof)
		check(err)
		check(torchwood.VerifyProof(policy, tlog.RecordHash(entry), proof))
		fmt.Println(string(entry))
	}
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
