// Where and how the numbers came about.
extension HTMLReport {
  func addMethod(to main: inout Markup) {
    addSection("Machine and method", to: &main) { section in
      section.element("dl", ["class": "machine-facts"]) { list in
        for (name, value) in facts {
          list.element("dt", [:], name)
          list.element("dd", [:], value)
        }
      }
      for paragraph in method { section.element("p", [:], paragraph) }
    }
  }

  private var facts: [(String, String)] {
    let machine = report.machine
    let facts = [
      ("Processor", "\(machine.cpuModel), \(Quantity.count(machine.cores, "core"))"),
      ("Memory", Quantity.memory(machine.memoryBytes)), ("Kernel", "Linux \(machine.kernel)"),
      ("vtep", report.version), ("Begun", report.started),
      (
        "Rounds",
        "\(report.rounds), each measurement \(Quantity.setting(report.seconds)) s; medians of the rounds are shown"
      ),
    ]
    let ciphers = report.ciphers(of: .vtepSealed)
    let sealing = ciphers.isEmpty ? [] : [("Sealed with", ciphers.joined(separator: ", "))]
    return facts + sealing + (report.underlays.isEmpty ? [] : [("Traffic", "made by \(report.generatorTitle)")])
  }

  private var method: [String] {
    let betweenHosts = [
      "Two hosts are two network namespaces on this machine, joined by a pair of virtual Ethernet devices, the raw "
        + "underlay. One underlay passes superframes whole, as between two virtual machines of one computer; the other "
        + "carries every packet by itself, as a cable does. Both hosts and the programs that send and receive share "
        + "the processors.",
      "In each round every candidate is measured once, in an order that changes from round to round, so that what "
        + "disturbs the machine for a while disturbs all. A ratio is made of two results of one round; the median "
        + "over the rounds is shown.",
    ]
    let batches = [
      "Frames per send are those of a run of datagrams, as vtep gives it to the kernel. It counts as one send also "
        + "where the kernel refused runs and their datagrams went singly; `vtep status` shows that."
    ]
    let codec = [
      "The codec runs vtep's own data path between ports in memory that hand over the same batch again and again: "
        + "judging, looking up, headers and checksums, without one system call. Single frames are each of another "
        + "flow, but all from one source to one destination, so that every table is in the caches: the best case."
        + (report.ciphers(of: .codecSealed).isEmpty
          ? "" : " What a sealed segment opens is sealed beforehand, which does not count.")
    ]
    return (report.underlays.isEmpty ? [] : betweenHosts)
      + (report.results.contains(where: \.hasBatches) ? batches : [])
      + (report.workloads(on: .none).isEmpty ? [] : codec)
      + ["Figures of two machines, or of two runs, do not compare: the ratios within one run do."]
  }
}
