// SPDX-License-Identifier: MIT
//
// gopacket's pcapgo from outside: "write FORMAT FILE" writes three packets, "read FILE" prints what
// it reads, one line for each packet. For the tests that hold it side by side with capturectl.
package main

import (
	"crypto/md5"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcapgo"
)

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

type packetWriter interface {
	WritePacket(gopacket.CaptureInfo, []byte) error
}

func write(format, path string) {
	file, err := os.Create(path)
	check(err)
	defer file.Close()
	var to packetWriter
	finish := func() error { return nil }
	switch format {
	case "pcap-us":
		writer := pcapgo.NewWriter(file)
		check(writer.WriteFileHeader(65536, layers.LinkTypeEthernet))
		to = writer
	case "pcap-ns":
		writer := pcapgo.NewWriterNanos(file)
		check(writer.WriteFileHeader(65536, layers.LinkTypeEthernet))
		to = writer
	default:
		writer, err := pcapgo.NewNgWriter(file, layers.LinkTypeEthernet)
		check(err)
		to, finish = writer, writer.Flush
	}
	for number := 0; number < 3; number++ {
		data := make([]byte, 60+number)
		data[0] = byte(number)
		info := gopacket.CaptureInfo{
			Timestamp:     time.Unix(1519128000, 195312000+int64(number)*1000).UTC(),
			CaptureLength: len(data), Length: len(data) + number,
		}
		check(to.WritePacket(info, data))
	}
	check(finish())
}

type packetReader interface {
	ReadPacketData() ([]byte, gopacket.CaptureInfo, error)
}

func read(path string) {
	file, err := os.Open(path)
	check(err)
	var from packetReader
	from, err = pcapgo.NewNgReader(file, pcapgo.NgReaderOptions{WantMixedLinkType: true})
	if err != nil {
		_, err = file.Seek(0, io.SeekStart)
		check(err)
		from, err = pcapgo.NewReader(file)
		check(err)
	}
	for {
		data, info, err := from.ReadPacketData()
		if err == io.EOF {
			return
		}
		check(err)
		fmt.Printf("%d %d %d %x\n", info.Timestamp.UnixNano(), info.CaptureLength, info.Length,
			md5.Sum(data))
	}
}

func main() {
	if os.Args[1] == "write" {
		write(os.Args[2], os.Args[3])
	} else {
		read(os.Args[2])
	}
}
