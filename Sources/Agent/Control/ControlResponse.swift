/// One answer on the control socket: a status and a JSON document. `/metrics` and its neighbours answer text.
package struct ControlResponse: Equatable, Sendable {
  /// An HTTP status such as 200.
  package let status: Int
  /// One JSON document, or text, that ends in a newline.
  package let body: [UInt8]
  package var contentType = "application/json"
  /// Nothing has happened yet that the request asks for: it may be asked again for a while.
  package var isPending = false
  /// The methods that the resource has.
  package var allow = "GET"
  /// Where what follows can be asked for, as in `GET next`; nil: nothing does.
  package var next: String?

  package init(status: Int, body: [UInt8]) {
    self.status = status
    self.body = body
  }

  /// A 200 with `report`, or a 500 if it cannot be encoded.
  package init(report: some Encodable) {
    do {
      self.init(status: 200, body: try ReportJSON.encode(report))
    } catch {
      self.init(failure: ControlError(.internal, "the agent could not encode its answer: \(error)"))
    }
  }

  /// `{"error":{"code":"...","message":"..."}}` with the status that belongs to the code.
  package init(failure: ControlError) {
    let document = ControlFailure(failure)
    // Two strings always encode; should they ever not, the code alone, which needs no escape, still goes out.
    let fallback = #"{"error":{"code":"internal","message":""}}"# + "\n"
    let body = (try? ReportJSON.encode(document)) ?? Array(fallback.utf8)
    self.init(status: failure.code.httpStatus, body: body)
  }
}

/// The JSON document of an answer that is no report.
struct ControlFailure: Codable, Equatable {
  struct Detail: Codable, Equatable {
    let code: String
    let message: String
  }

  let error: Detail

  init(_ failure: ControlError) {
    self.error = Detail(code: failure.code.rawValue, message: failure.message)
  }
}
