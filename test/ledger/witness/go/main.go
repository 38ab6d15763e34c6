package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"

	fnote "github.com/transparency-dev/formats/note"
	"github.com/transparency-dev/witness/persistence/inmemory"
	"github.com/transparency-dev/witness/witness"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// What is not ours, for interop.slow.test.ts: "witness LOG_VKEY WITNESS_SKEY" is transparency-dev's witness of one log, whose
// origin is the name of its key; "log SKEY" prints what a log made of Go's own packages asks of a witness.
func main() {
	if os.Args[1] == "witness" {
		serveWitness(os.Args[2], os.Args[3])
	} else {
		askAsLog(os.Args[2])
	}
}

func serveWitness(logKey string, witnessKey string) {
	verifier, err := note.NewVerifier(logKey)
	check(err)
	signer, err := fnote.NewSignerForCosignatureV1(witnessKey)
	check(err)
	known := func(_ context.Context, origin string) (note.Verifier, bool, error) {
		return verifier, origin == verifier.Name(), nil
	}
	book, err := witness.New(context.Background(), witness.Opts{
		Persistence:    inmemory.New(),
		Signers:        []note.Signer{signer},
		VerifierForLog: known,
	})
	check(err)
	http.HandleFunc("/add-checkpoint", witness.NewHTTPHandler(book).AddCheckpoint)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	fmt.Printf("http://%s\n", listener.Addr())
	check(http.Serve(listener, nil))
}

func askAsLog(key string) {
	signer, err := note.NewSigner(key)
	check(err)
	var hashes []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		found := make([]tlog.Hash, len(indexes))
		for i, index := range indexes {
			found[i] = hashes[index]
		}
		return found, nil
	})
	grown := int64(0)
	for _, size := range []int64{1, 7, 8, 300, 300, 513} {
		old := grown
		for ; grown < size; grown++ {
			added, err := tlog.StoredHashes(grown, fmt.Appendf(nil, "entry %d", grown), reader)
			check(err)
			hashes = append(hashes, added...)
		}
		root, err := tlog.TreeHash(size, reader)
		check(err)
		var proof tlog.TreeProof
		if old > 0 && old < size {
			proof, err = tlog.ProveTree(size, old, reader)
			check(err)
		}
		signed, err := note.Sign(&note.Note{Text: string(tlog.FormatTree(tlog.Tree{N: size, Hash: root}))}, signer)
		check(err)
		body := fmt.Sprintf("old %d\n", old)
		for _, hash := range proof {
			body += hash.String() + "\n"
		}
		line, err := json.Marshal(body + "\n" + string(signed))
		check(err)
		fmt.Println(string(line))
	}
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
