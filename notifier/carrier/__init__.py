"""The outside world in small: servers that speak the protocols of Twilio, Aliyun, Tencent and push services, and the phones behind them."""
